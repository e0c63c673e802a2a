"""What people and programs send by mistake or malice: a clear sentence each, nothing created, never a fault of ours."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.actions import add_member, create_token
from apps.accounts.models import ApiToken, Membership, Team, User
from apps.audit.models import AuditEvent
from apps.registry.actions import update_family
from apps.registry.models import Alias, Evaluation, ModelVersion, Wave
from apps.retraining.models import RetrainingRequest, SegmentRun
from tests.conftest import api
from tests.doors.conftest import Everything

pytestmark = pytest.mark.django_db
SUBMIT: dict[str, Any] = {"pipeline": "toy", "family": "eta-trip", "parameters": {"alpha": 2.5}, "segments": ["boston"]}
MIB = 1024 * 1024
COUNTED = (RetrainingRequest, SegmentRun, ModelVersion, Evaluation, Wave, Alias, ApiToken, AuditEvent)


def counts() -> list[int]:
    return [model.objects.count() for model in COUNTED]  # type: ignore[attr-defined]


def refusal(answer: Any, status: int) -> str:
    """The sentence of an answer that says no."""
    assert answer.status_code == status, (answer.status_code, answer.content[:500])
    body = answer.json()
    assert body["code"]
    assert body["message"].endswith((".", "!", ")"))
    return str(body["message"])


def post(client: APIClient, path: str, body: object) -> Any:
    return client.post(f"/api/v1/{path}", body, format="json")


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"segments": ["boston", "atlantis"]}, "segments", "atlantis"),
        ({"segments": ["boston"] * 10_000}, "segments", "5000"),
        ({"segments": ["boston\0"]}, "segments", ""),
        ({"segments": {"boston": True}}, "segments", "list"),
        ({"parameters": {"alpha": -1}}, "parameters.alpha", "at least 0"),
        ({"parameters": {"alpha": "much"}}, "parameters.alpha", "number"),
        ({"parameters": {"alhpa": 1}}, "parameters.alhpa", "no such parameter"),
        ({"parameters": {"as_of": "31 June"}}, "parameters.as_of", "date"),
        ({"parameters": {"as_of": "2013-07-01\0"}}, "parameters", ""),
        ({"parameters": {"mode": "x" * 70_000}}, "parameters", ""),
        ({"parameters": "alpha=1"}, "parameters", "dictionary"),
        ({"reason": "a\0b"}, "reason", "Null"),
        ({"reason": "x" * 2_001}, "reason", "2000"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_request_that_makes_no_sense_names_the_field(
    everything: Everything, owner: User, changes: dict[str, Any], field: str, says: str
) -> None:
    client = api(owner)
    before = counts()
    answer = post(client, "requests/", SUBMIT | changes)
    refusal(answer, 400)
    assert says in answer.json()["errors"][field]
    assert counts() == before


def test_the_same_key_makes_one_request_and_refuses_other_content(everything: Everything, owner: User) -> None:
    client = api(owner)
    first, again = (post(client, "requests/", SUBMIT | {"key": "nightly"}) for _ in range(2))
    assert (first.status_code, first.json()["id"]) == (201, again.json()["id"])
    before = counts()
    other = post(client, "requests/", SUBMIT | {"key": "nightly", "parameters": {"alpha": 9}})
    assert "asked for something else" in refusal(other, 409)
    assert counts() == before


def test_another_team_may_look_and_do_nothing(everything: Everything, stranger: User) -> None:
    client = api(stranger)
    before = counts()
    refusal(post(client, "requests/", SUBMIT), 403)
    refusal(post(client, f"requests/{everything.request.pk}/cancel/", {}), 403)
    refusal(post(client, f"segment-runs/{everything.run.pk}/retry/", {}), 403)
    refusal(post(client, f"promotions/{everything.wave.pk}/approve/", {"digest": everything.wave.digest}), 403)
    refusal(post(client, f"promotions/{everything.wave.pk}/withdraw/", {}), 403)
    refusal(post(client, "models/eta-trip.atlanta/rollback/", {"reason": "mine"}), 403)
    refusal(client.patch("/api/v1/families/eta-trip/", {"tier": 4}, format="json"), 403)
    assert counts() == before


def test_a_restricted_family_of_another_team_does_not_exist_anywhere(
    everything: Everything, approver: User, stranger: User
) -> None:
    update_family(actor=approver, family=everything.family, visibility="teams")
    client = api(stranger)
    for address in (
        "families/eta-trip/",
        "families/eta-trip/fleet/",
        "models/eta-trip.atlanta/",
        "models/eta-trip.atlanta/aliases/",
        f"versions/{everything.candidate.pk}/files/model.json",
        f"promotions/{everything.wave.pk}/",
        f"requests/{everything.request.pk}/",
        f"segment-runs/{everything.run.pk}/",
        f"segment-runs/{everything.run.pk}/log/",
        f"runs/{everything.tracked.pk}/",
        f"runs/{everything.tracked.pk}/files/",
    ):
        refusal(client.get(f"/api/v1/{address}"), 404)
    for listing in ("families", "models", "versions", "evaluations", "promotions", "requests", "segment-runs", "runs"):
        assert client.get(f"/api/v1/{listing}/").json()["count"] == 0, listing
    before = counts()
    refusal(post(client, "requests/", SUBMIT), 404)
    refusal(post(client, f"requests/{everything.request.pk}/cancel/", {}), 404)
    refusal(post(client, "pipelines/toy/preview/", {"family": "eta-trip"}), 404)
    refusal(post(client, "models/eta-trip.atlanta/rollback/", {"reason": "mine"}), 404)
    assert counts() == before


def test_an_expired_token_says_so_and_does_nothing(everything: Everything, owner: User) -> None:
    client = APIClient()
    secret = create_token(actor=owner, name="old", scopes=["retraining:submit"], days=1).secret
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    before = counts()
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert "expired on" in refusal(post(client, "requests/", SUBMIT), 401)
    assert counts() == before


def test_a_token_does_no_more_than_its_scope_and_its_family(everything: Everything, owner: User) -> None:
    readonly = api(owner, scope=["read"])
    elsewhere = api(owner, scope=["read", "retraining:submit"], families=["demand"])
    writeonly = api(owner, scope=["retraining:submit"])
    before = counts()
    assert "needs the scope 'retraining:submit'" in refusal(post(readonly, "requests/", SUBMIT), 403)
    refusal(post(elsewhere, "requests/", SUBMIT), 404)
    assert "may not read" in refusal(writeonly.get("/api/v1/families/"), 403)
    assert counts() == before


@pytest.mark.parametrize("path", ["requests/", "promotions/", "families/", "tokens/", "pipelines/toy/preview/"])
@pytest.mark.parametrize(
    "junk",
    [b"\xff" * (2 * MIB), b'{"family": "' + b"x" * (2 * MIB) + b'"}', b"[" * 100_000, b'{"family": 1e999}', b"{", b""],
    ids=["2 MB of bytes", "2 MB of JSON", "deep", "endless number", "half", "nothing"],
)
def test_junk_is_refused_unread(everything: Everything, mighty: User, path: str, junk: bytes) -> None:
    client = api(mighty)
    before = counts()
    answer = client.post(f"/api/v1/{path}", junk, content_type="application/json")
    assert answer.status_code in (400, 404, 413), answer.content[:300]
    refusal(answer, answer.status_code)
    assert counts() == before


def test_another_format_than_json_is_refused(everything: Everything, mighty: User) -> None:
    answer = api(mighty).post("/api/v1/requests/", "family=eta-trip", content_type="application/x-www-form-urlencoded")
    assert "JSON" in refusal(answer, 415)


def test_an_approval_of_something_else_is_refused_and_one_counts_once(
    everything: Everything, approver: User, colleague: User
) -> None:
    client, address = api(approver), f"promotions/{everything.wave.pk}/approve/"
    before = counts()
    assert "changed since you looked" in refusal(post(client, address, {"digest": "0" * 64}), 409)
    refusal(post(client, address, {}), 400)
    assert counts() == before
    assert post(client, address, {"digest": everything.wave.digest}).status_code == 200
    before = counts()
    refusal(post(client, address, {"digest": everything.wave.digest}), 409)
    refusal(post(client, f"promotions/{everything.wave.pk}/reject/", {"digest": "x", "reason": "late"}), 409)
    assert counts() == before


def test_nobody_approves_their_own_not_even_a_lead(
    everything: Everything, admin: User, team: Team, colleague: User
) -> None:
    add_member(actor=admin, team=team, user=colleague, role=Membership.Role.LEAD)
    client = api(colleague)
    answer = post(client, f"promotions/{everything.wave.pk}/approve/", {"digest": everything.wave.digest})
    assert refusal(answer, 403).endswith("somebody else must approve it.")
    assert client.get("/api/v1/promotions/waiting/").json()["count"] == 0


LISTS = (
    *("capabilities", "decisions", "evaluations", "experiments", "families", "models", "pipelines", "promotions"),
    *("requests", "runs", "segment-runs", "teams", "tokens", "tools", "versions", "workers", "queues"),
)


@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize("page", ["0", "-1", "2", "99999999999999999999999", "1e9", "%00", "last ", "٣"])
def test_a_page_that_is_not_there_is_missing(mighty: User, listing: str, page: str) -> None:
    answer = api(mighty).get(f"/api/v1/{listing}/?page={page}")
    refusal(answer, 404)


@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize("size", ["0", "-5", "100000000000000000000", "many", "%00"])
def test_a_strange_page_size_is_the_usual_one(mighty: User, listing: str, size: str) -> None:
    assert api(mighty).get(f"/api/v1/{listing}/?page_size={size}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "requests/?status=nonsense",
        "promotions/?status=nonsense",
        "evaluations/?status=nonsense",
        "evaluations/?candidate=nonsense",
        "segment-runs/?status=nonsense",
        "segment-runs/?request=nonsense",
        "segment-runs/?request=99999999999999999999",
        "runs/?status=nonsense",
        "tools/?ring=nonsense",
        "decisions/?status=nonsense",
        "requests/?family=%00",
        "versions/?alias=%00",
    ],
)
def test_a_filter_that_makes_no_sense_is_told(mighty: User, query: str) -> None:
    refusal(api(mighty).get(f"/api/v1/{query}"), 400)


JUNK: tuple[Any, ...] = (
    *(None, "", "\0", "\ud800", "x" * 30_000, "../etc", "9999-99-99", True, -1, 10**30, 1.5),
    *([], [None], [{}], {}, {"a": {"b": [1]}}, {"\0": 1}),
)


def bodies(known: Everything) -> dict[str, dict[str, Any]]:
    """What each door would take, so that one field at a time can be spoilt."""
    versions = {"family": "eta-trip", "versions": [known.candidate.pk]}
    digest, reason = {"digest": known.wave.digest}, {"reason": "because"}
    option = {"label": "Do nothing", "chosen": True, "why": "Cheap."}
    decision = {
        "title": "Wait",
        "capability": "orchestration",
        "sourcing": "postpone",
        "context": "",
        "outcome": "Wait",
    }
    tool = {"slug": "prefect", "name": "Prefect", "summary": "Runs.", "capability": "orchestration"}
    facts = {"homepage": "https://x.org", "licence": "MIT", "ecosystem": "x", "sourcing": "buy"}
    opinion = {"ring": "hold", "owner": "owner", "team": "delivery", "support": "#x", "when_not": "x"}
    criterion, waits = {"name": "Learning cost", "weight": 3}, {"revisit_on": "2027-01-01", "trigger": "x"}
    wish = {"name": "x", "capability": "orchestration", "need": "x", "why_not_existing": "x", "team": "rides-eta"}
    wish |= {"people": 3}  # type: ignore[dict-item]
    family = {"name": "Demand", "description": "", "tier": 2, "metric": "wape", "unit": "", "direction": "lower"}
    numbers = {"label_delay_days": 1, "freshness_days": 30, "approvals_needed": 1, "visibility": "teams"}
    alias = {"name": "champion", "approvals_needed": 1}
    city = {"slug": "x", "name": "X", "region": "", "latitude": 1.0, "longitude": 1.0}
    return {
        "post requests/": SUBMIT | {"reason": "", "key": "k"},
        "post pipelines/toy/preview/": {name: SUBMIT[name] for name in ("family", "parameters", "segments")},
        f"post requests/{known.request.pk}/cancel/": reason,
        "post promotions/": versions | {"reason": "x", "alias": "champion", "key": "k", "stages": [1]},
        "post promotions/dry-run/": versions | {"alias": "champion", "regions": ["GA"]},
        "post promotions/restore/": versions | reason | {"alias": "champion"},
        f"post promotions/{known.wave.pk}/advance/": reason | {"stage": 1},
        f"post promotions/{known.wave.pk}/live-values/": {"value": 6.5, "through": "2013-07-31", "note": "x"},
        f"post promotions/{known.wave.pk}/undo/": reason,
        "post freezes/": reason | {"family": "eta-trip", "until": "2027-01-01T00:00:00Z"},
        f"post freezes/{known.freeze.pk}/lift/": reason,
        f"post rollbacks/{known.rollback.pk}/review/": {"note": "x"},
        "post models/eta-trip.atlanta/restore/": reason | {"version": 1, "alias": "champion"},
        "put models/eta-trip.atlanta/aliases/champion/": reason | {"version": 1},
        "post promotions/rollback/": versions | reason | {"alias": "champion"},
        f"post promotions/{known.wave.pk}/approve/": digest | {"note": "x"},
        f"post promotions/{known.wave.pk}/reject/": digest | reason,
        f"post promotions/{known.wave.pk}/withdraw/": reason,
        "post models/eta-trip.atlanta/rollback/": reason | {"version": 1, "alias": "champion"},
        "post evaluations/": versions | {"window_first": "2013-07-01", "window_last": "2013-07-31"},
        f"patch versions/{known.candidate.pk}/": {"description": "x"},
        "post families/": family | {"slug": "demand", "team": "rides-eta", "dimension": "city"},
        "patch families/eta-trip/": family | numbers | {"evaluator": "eta", "protected_aliases": [alias]},
        "put families/eta-trip/labelled-until/": {"day": "2013-07-31"},
        "put families/eta-trip/gates/": {"gates": [{"kind": "enough_data", "settings": {"rows": 5}}]},
        "post families/eta-trip/segments/": {"segments": [city]},
        "post tokens/": {"name": "x", "scopes": ["read"], "teams": ["delivery"], "families": ["eta-trip"], "days": 3},
        "post tools/": tool | facts,
        "patch tools/airflow/": {name: tool[name] for name in ("name", "summary", "capability")} | facts,
        "post tools/airflow/moves/": opinion | reason | {"instead": "airflow", "next_review": "2027-01-01"},
        "patch tools/airflow/position/": opinion | {"revision": 1, "experts": ["owner"]},
        "post tools/airflow/review/": {"next_review": "2027-01-01"},
        "post tools/airflow/confirm/": {"names": ["licence"]},
        f"post ring-moves/{known.move.pk}/approve/": {"note": "x", "digest": "x"},
        f"post ring-moves/{known.move.pk}/refuse/": reason,
        "post decisions/": decision | waits | {"options": [option], "criteria": [criterion], "weeks_saved": 3},
        "post catalog/import/": {"content": "name,ring\nAirflow,trial", "source": "x", "dry_run": False, "name": "x"},
        "post feature-gaps/": {"tool": "airflow", "title": "x", "pain": 3, "hurts": ["delivery"], "better": "airflow"},
        "post tool-requests/": wish | {"tool": "airflow", "connects_to": "x"},
        "post tool-requests/what-if/": {"capability": "orchestration", "tool": "airflow", "people": 3},
        "post tool-uses/": {"tool": "airflow", "kind": "service", "name": "x", "team": "delivery", "evidence": "x"},
        "post radar-editions/": {"name": "2026-11"},
        "post decisions/ADR-0007/postpone/": reason | {"until": "2027-01-01"},
        "post decisions/ADR-0007/look-back/": {"verdict": "right", "text": "x"},
        "patch decisions/ADR-0007/": decision | {"options": [option]},
        "post decisions/ADR-0007/accept/": {"note": "x"},
        "post decisions/ADR-0007/send-back/": reason,
        "post decisions/ADR-0007/close/": reason,
        "post decisions/ADR-0007/supersede/": {"by": "ADR-0007"},
        "post capabilities/": {"slug": "x", "name": "X", "stage": "ship", "need": "X"},
        "patch capabilities/orchestration/": {"name": "X", "stage": "ship", "need": "X"},
    }


def spoilt(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One field at a time with each piece of junk, also inside of lists and objects."""
    for name, value in body.items():
        for junk in JUNK:
            yield body | {name: junk}
            if isinstance(value, list):
                yield body | {name: [junk]}
            inner = value[0] if isinstance(value, list) and value else value
            if isinstance(inner, dict):
                for part in inner:
                    mended = inner | {part: junk}
                    yield body | {name: [mended] if isinstance(value, list) else mended}


@pytest.mark.parametrize(
    "noun",
    [
        *("requests", "pipelines", "promotions", "models", "evaluations", "versions", "families"),
        *("tokens", "tools", "ring-moves", "decisions", "capabilities", "catalog"),
        *("feature-gaps", "tool-requests", "tool-uses", "radar-editions"),
    ],
)
def test_no_door_breaks_whatever_is_in_one_field(everything: Everything, mighty: User, noun: str) -> None:
    """Junk is refused with a sentence or, where it happens to make sense, taken; each try is undone."""
    client = api(mighty)
    doors = {door: body for door, body in bodies(everything).items() if f" {noun}/" in door}
    assert doors
    for door, body in doors.items():
        for sent in spoilt(body):
            try_door(client, door, sent)


def try_door(client: APIClient, door: str, sent: dict[str, Any]) -> None:
    method, path = door.split()
    with transaction.atomic():
        answer = client.generic(method.upper(), f"/api/v1/{path}", json.dumps(sent), content_type="application/json")
        transaction.set_rollback(True)
    assert answer.status_code < 500, (door, sent)
    if answer.status_code >= 400:
        assert answer.json()["message"], (door, sent)
