"""Hypothesis asks every endpoint of MLflow's door, with an ordinary user's token and a stranger's: always JSON with an
error code, and never an answer after which MLflow's clients would wait and try again (408, 429, 5xx).

Each example is undone, and every run asks the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.core.permissions import scopes
from apps.mlflow_protocol.endpoints import Endpoint
from apps.mlflow_protocol.table import ENDPOINTS
from tests.doors.conftest import Everything

pytestmark = pytest.mark.django_db
PARTS = 3
"""So many tests share the endpoints: both cores have something to do."""
TRIES = 30
"""Examples of an endpoint."""
CODE = re.compile(r"[A-Z]+(_[A-Z]+)*")
WORDS = (
    *("", "0", "-1", "1e999", "\0", "\ud800", "%00", "../../etc/passwd", "..%2f", "http:///#/../../etc", "NaN"),
    *("x" * 5_000, "تجربة 🚗", "9223372036854775808", "'; DROP TABLE x; --", "READY", "1", "true"),
    *("name = 'a'", "name LIKE '%%%%'", "tags.`a` = 'b' AND", "metrics.mae > 1e999", "attributes.name ILIKE '_'"),
    *("creation_timestamp DESC", "name ASC, name", "eyJvZmZzZXQiOiAtMX0=", "AAAA", "order_by"),
)
TREES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20) | some.sampled_from(WORDS),
    lambda inside: some.lists(inside, max_size=3) | some.dictionaries(some.text(max_size=8), inside, max_size=3),
    max_leaves=6,
)


def there(known: Everything) -> dict[str, list[Any]]:
    """What is really there, by the name of the field."""
    run, version = known.tracked.pk, known.candidate
    own = {"key": "k", "value": "v", "timestamp": 1_700_000_000_000, "step": 1}
    return {
        "name": [version.model.name, "eta-trip.boston", "new"],
        "new_name": ["eta-trip.atlanta", "other"],
        "version": [str(version.number), version.number],
        "alias": ["champion", "canary"],
        "run_id": [run],
        "run_ids": [[run]],
        "source_run_id": [run],
        "experiment_id": [str(known.tracked.experiment_id)],
        "experiment_ids": [[str(known.tracked.experiment_id)]],
        "stage": ["Production", "None"],
        "status": ["FINISHED", 3, "LOGGED_MODEL_READY"],
        "metrics": [[own], [own | {"value": "NaN"}]],
        "params": [[{"key": "k", "value": "v"}]],
        "tags": [[{"key": "k", "value": "v"}]],
        "datasets": [[{"dataset": {"name": "d", "digest": "1", "source_type": "s", "source": "x"}}]],
        "models": [[{"model_id": "m-1"}]],
        "filter": list(WORDS[20:25]),
        "max_results": [1, 100_000, 0],
        "path": [f"{known.tracked.experiment_id}/{run}/artifacts/model.json", f"versions/{version.pk}/model.json"],
    }


def bodies(endpoint: Endpoint, known: Everything) -> some.SearchStrategy[dict[str, Any]]:
    """Any of the endpoint's fields in either spelling, with what is there, with junk, or not at all."""
    real = there(known)
    fields: dict[str, some.SearchStrategy[Any]] = {}
    for field in endpoint.fields:
        usual = some.sampled_from(real.get(field.name, ["v"]))
        for spelling in {field.name, field.camel}:
            fields[spelling] = usual | some.sampled_from(WORDS) | TREES
    strange = some.dictionaries(some.text(max_size=8), TREES, max_size=1)
    return some.builds(lambda one, other: {**other, **one}, some.fixed_dictionaries({}, optional=fields), strange)


def places(endpoint: Endpoint, known: Everything) -> some.SearchStrategy[str]:
    """The endpoint's path with something in each of its places."""
    real = there(known)
    names = re.findall(r"{(\w+)\*?}", endpoint.path)
    values = {name: some.sampled_from([*map(str, real.get(name, ["v"])), *WORDS]) for name in names}
    return some.fixed_dictionaries(values).map(lambda chosen: _filled(endpoint.path, chosen))


def _filled(path: str, chosen: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)\*?}", lambda place: quote(chosen[place[1]].encode(errors="replace"), safe="/"), path)


def texts(body: Mapping[str, Any]) -> str:
    """As a query: lists are repeated."""
    said = {key: value if isinstance(value, list) else [value] for key, value in body.items()}
    pairs = [(key, value if isinstance(value, str) else json.dumps(value)) for key in said for value in said[key]]
    return urlencode([(key.encode(errors="replace"), value.encode(errors="replace")) for key, value in pairs])


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_no_endpoint_answers_what_clients_would_try_again(
    everything: Everything, request: pytest.FixtureRequest, part: int, who: str
) -> None:
    user: User = request.getfixturevalue(who)
    token = create_token(actor=user, name="hypothesis", scopes=scopes()).secret
    asked = [try_out(endpoint, everything, token) for endpoint in ENDPOINTS[part::PARTS]]
    assert sum(asked) > TRIES * len(asked) / 2


def try_out(endpoint: Endpoint, known: Everything, token: str) -> int:
    """How many examples were asked."""
    asked = []

    @settings(
        max_examples=TRIES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(path=places(endpoint, known), body=bodies(endpoint, known), raw=some.binary(max_size=20) | some.none())
    def ask(path: str, body: dict[str, Any], raw: bytes | None) -> None:
        asked.append(path)
        once(endpoint, path, body, raw, token)

    ask()
    return len(asked)


def once(endpoint: Endpoint, path: str, body: dict[str, Any], raw: bytes | None, token: str) -> None:
    in_query = endpoint.raw or endpoint.method == "GET"
    sent = raw if raw and endpoint.raw else b"" if in_query else raw or json.dumps(body).encode()
    address = f"/api/{endpoint.version}/{path}" + (f"?{texts(body)}" if in_query else "")
    before = transaction.savepoint()  # no block: some actions insist on committing for themselves
    answer: Any = Client().generic(
        endpoint.method, address, sent, "application/json", headers={"authorization": f"Bearer {token}"}
    )
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    transaction.savepoint_rollback(before)
    assert answer.status_code < 500, (endpoint.method, address, sent, content)
    assert answer.status_code not in (408, 429), (address, sent)
    if answer.status_code >= 400:
        said = json.loads(content)
        assert CODE.fullmatch(said["error_code"]), said
        assert said["message"], said
