"""Schemathesis asks every operation of the API, with an ordinary user's token and a stranger's: no fault of ours, ever,
and every answer is what the description promises.

Each example is undone, and every run asks the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode, checks
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks as openapi

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.core.permissions import scopes
from tests.doors.conftest import Everything
from tests.doors.test_every_door import real

pytestmark = pytest.mark.django_db
PARTS = 6
"""So many tests share the operations: both cores have something to do, and none takes long."""
TRIES = 4
"""Examples of an operation with what is there, for each of: as described, wrong on purpose."""
PROMISES = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Between two requests it stays open, as Django's own test client keeps it."""
    for moment in (request_started, request_finished):
        moment.disconnect(close_old_connections)
    yield
    for moment in (request_started, request_finished):
        moment.connect(close_old_connections)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_no_operation_breaks_or_answers_other_than_it_promises(
    everything: Everything, request: pytest.FixtureRequest, part: int, who: str
) -> None:
    client, asked = Asking(request.getfixturevalue(who), everything), 0
    for operation in operations()[part::PARTS]:
        client.try_out(operation)
        asked += 1
    assert asked > 20


def operations() -> list[APIOperation]:
    described = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    schema = schemathesis.openapi.from_dict(described)
    schema.app = WSGIHandler()
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


class Asking:
    """Somebody with a token that may do whatever they may do."""

    def __init__(self, user: User, known: Everything) -> None:
        token = create_token(actor=user, name="schemathesis", scopes=scopes()).secret
        self.headers = {"Authorization": f"Bearer {token}"}
        self.known = known

    def try_out(self, operation: APIOperation) -> None:
        places = real(self.known).get(operation.path.split("/")[3], {})
        named = {place.name for place in operation.path_parameters}
        there = {name: value for name, value in places.items() if name in named}
        for mode in GenerationMode:
            self._ask(operation.as_strategy(mode, path_parameters=there or None), TRIES)
            if named:
                self._ask(operation.as_strategy(mode), 1)

    def _ask(self, cases: Any, tries: int) -> None:
        @settings(
            max_examples=tries,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def ask(case: Case) -> None:
            self._once(case)
            if self._names_what_is_there(case):
                self._once(case)

        ask()

    def _once(self, case: Case) -> None:
        case.validate_response(self._answer(case), checks=PROMISES)

    def _answer(self, case: Case) -> Response:
        before = transaction.savepoint()  # no block: some actions insist on committing for themselves
        try:
            return case.call(headers=self.headers)
        finally:
            transaction.savepoint_rollback(before)

    def _names_what_is_there(self, case: Case) -> bool:
        """Junk alone is refused early: now with the names of what is there in it; False where nothing is named."""
        changed = False
        for part in (case.body, case.query):
            if isinstance(part, dict):
                there = {name: value for name, value in self._there().items() if name in part}
                part.update(there)
                changed = changed or bool(there)
        return changed

    def _there(self) -> Mapping[str, Any]:
        known = self.known
        return {
            **{"family": "eta-trip", "pipeline": "toy", "tool": "airflow", "team": "rides-eta", "owner": "owner"},
            **{"capability": "orchestration", "segments": ["atlanta"], "versions": [known.candidate.pk]},
            **{
                "alias": "champion",
                "version": 1,
                "digest": known.wave.digest,
                "reason": "Because.",
                "name": "some-name",
            },
            **{"until": "2027-01-01", "next_review": "2027-01-01", "window_first": "2013-07-01"},
            **{"window_last": "2013-07-31", "parameters": {}, "username": "owner", "instead": "airflow"},
            **{"url": "https://1.1.1.1/x", "address": "https://1.1.1.1/x", "stages": [1], "stage": 1},
        }
