"""Deny by default: every endpoint of the table, under both prefixes."""

import re

import pytest

from apps.accounts.models import User
from apps.mlflow_protocol.endpoints import Endpoint
from apps.mlflow_protocol.table import ENDPOINTS
from tests.mlflow_protocol.conftest import PREFIXES, Mlflow, Speak

pytestmark = pytest.mark.django_db


def address(prefix: str, endpoint: Endpoint) -> str:
    return f"{prefix}/{endpoint.version}/" + re.sub(r"{[^}]*}", "none", endpoint.path)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_no_endpoint_opens_without_a_token(prefix: str) -> None:
    for endpoint in ENDPOINTS:
        assert Mlflow("").send(endpoint.method, address(prefix, endpoint), {}).status_code == 401, endpoint


def test_no_endpoint_breaks_on_an_empty_call_or_one_that_makes_no_sense(owner: User, speak: Speak) -> None:
    client = speak(owner)
    for endpoint in ENDPOINTS:
        bodies: tuple[dict[str, object], ...] = (
            {},
            {field.name: [{}] for field in endpoint.fields},
            {field.name: "\x00" for field in endpoint.fields},
        )
        for body in bodies:
            query = body if endpoint.method == "GET" else None
            answer = client.send(endpoint.method, address("/api", endpoint), body, query=query)
            assert answer.status_code < 500 or answer.status_code == 501, (endpoint.path, body)


def test_a_token_that_reads_changes_nothing_by_any_endpoint(owner: User, speak: Speak) -> None:
    reader = speak(owner, scope=["read"])
    for endpoint in ENDPOINTS:
        if not endpoint.reads and endpoint.method != "GET":
            body = {field.name: "none" for field in endpoint.fields}
            answer = reader.send(endpoint.method, address("/api", endpoint), body)
            assert answer.status_code in (400, 403, 404, 501), (endpoint.path, answer.status_code)
