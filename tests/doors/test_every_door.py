"""Every address of the API, as its own description lists them, with every method and with junk in its places."""

import re
from collections.abc import Iterator

import pytest
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.catalog.models import FeatureGap, ToolRequest, Usage
from tests.conftest import api
from tests.doors.conftest import Everything

pytestmark = pytest.mark.django_db
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW")
JUNK = (
    *("0", "-1", "99999999999999999999999", "1e3", "none", "%00", "%FF%FE", "a%0Ab", "..%2F..%2Fetc%2Fpasswd"),
    *("x" * 3_000, "%D9%A3", "%27%3B--", "{id}", "eta-trip.atlanta", "%F0%9F%9A%97"),
)
BODIES = ("", "null", "[]", '"text"', "7", "{}")


def addresses() -> list[str]:
    """Templates such as `/api/v1/requests/{id}/cancel/`."""
    described = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return sorted(described["paths"])


def real(everything: Everything) -> dict[str, dict[str, str]]:
    """What is really there, by the first word of the address and the name of the place."""
    return {
        "capabilities": {"slug": "orchestration"},
        "decisions": {"number": "ADR-0007"},
        "evaluations": {"id": str(everything.candidate.evaluations.get().pk)},
        "experiments": {"id": str(everything.tracked.experiment_id)},
        "families": {"slug": "eta-trip", "segment": "atlanta", "kind": "logs"},
        "freezes": {"id": str(everything.freeze.pk)},
        "links": {"id": str(everything.link.pk)},
        "models": {"name": "eta-trip.atlanta", "alias": "champion"},
        "pipelines": {"slug": "toy"},
        "promotions": {"id": str(everything.wave.pk)},
        "firings": {"id": str(everything.firing.pk)},
        "incidents": {"id": str(everything.incident.pk)},
        "policies": {"id": str(everything.policy.pk)},
        "signals": {"id": str(everything.signal.pk)},
        "team-quotas": {"team": "rides-eta"},
        "workers": {"name": "work@a"},
        "requests": {"id": str(everything.request.pk), "request_id": str(everything.request.pk)},
        "rollbacks": {"id": str(everything.rollback.pk)},
        "catalog": {"name": "radar.csv"},
        "feature-gaps": {"id": str(FeatureGap.objects.get().pk)},
        "radar-editions": {"name": "2026-08"},
        "tool-requests": {"id": str(ToolRequest.objects.get().pk)},
        "tool-uses": {"id": str(Usage.objects.get().pk)},
        "ring-moves": {"id": str(everything.move.pk)},
        "runs": {"id": everything.tracked.pk, "run_id": everything.tracked.pk, "path": "model.json"},
        "segment-runs": {"id": str(everything.run.pk), "run_id": str(everything.run.pk)},
        "teams": {"slug": "rides-eta"},
        "tokens": {"key": "none"},
        "tools": {"slug": "airflow"},
        "users": {"username": "owner"},
        "channels": {"slug": "rides-eta"},
        "connections": {"name": "tracking"},
        "webhooks": {"webhook_id": "none"},
        "deliveries": {"delivery_id": "none"},
        "versions": {
            "id": str(everything.candidate.pk),
            "version_id": str(everything.candidate.pk),
            "path": "model.json",
            "number": "1",
        },
    }


def filled(address: str, everything: Everything) -> str:
    known = real(everything).get(address.split("/")[3], {})
    return re.sub(r"{(\w+)}", lambda place: known[place[1]], address)


def spoilt(address: str, everything: Everything) -> Iterator[str]:
    """Junk in each place, the others filled with what is there."""
    for place in re.findall(r"{\w+}", address):
        for junk in JUNK:
            yield filled(address.replace(place, "\1"), everything).replace("\1", junk)


def send(client: APIClient, method: str, address: str, body: str = "") -> int:
    """The status; a fault of ours is raised here. What a request changed is undone."""
    before = transaction.savepoint()  # no block: some actions insist on committing for themselves
    answer = client.generic(method, address, body, content_type="application/json")
    transaction.savepoint_rollback(before)
    assert answer.status_code < 500, (method, address, body)
    if answer.status_code >= 400 and method != "HEAD":
        assert answer.json()["message"], (method, address, body)
    return answer.status_code


def test_every_address_answers_every_method_with_any_plain_body(everything: Everything, mighty: User) -> None:
    client = api(mighty)
    assert len(addresses()) > 50
    for address in addresses():
        for method in METHODS:
            for body in BODIES if method in ("POST", "PUT", "PATCH") else BODIES[:1]:
                send(client, method, filled(address, everything), body)


def test_every_address_that_lists_or_shows_is_there(everything: Everything, mighty: User) -> None:
    """The walk above would be worth little if its addresses did not exist."""
    client = api(mighty)
    answered = {address: send(client, "GET", filled(address, everything)) for address in addresses()}
    not_for_reading = {address for address, status in answered.items() if status == 405}
    assert {address for address, status in answered.items() if status == 404} <= {
        "/api/v1/tokens/{key}/",
        "/api/v1/runs/{run_id}/files/{path}",
        "/api/v1/versions/{version_id}/data/{number}/",  # no S3 is connected here
        *(address for address in addresses() if "{webhook_id}" in address or "{delivery_id}" in address),
    }
    nouns = not_for_reading - {"/api/v1/channels/{slug}/"}  # read in the list, where its secret address is left out
    assert all(address.rstrip("/").split("/")[-1].isalpha() or "-" in address for address in nouns), nouns


def test_junk_in_an_address_is_missing_and_no_fault_of_ours(everything: Everything, mighty: User) -> None:
    client = api(mighty)
    for address in addresses():
        for junk in spoilt(address, everything):
            for method in ("GET", "POST", "PATCH"):
                send(client, method, junk)
