"""Plain calls of the protocol, without MLflow's client: what it would send, and the JSON that comes back."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.core.permissions import scopes
from tests.served import Web, web_process

PREFIXES = ("/api", "/ajax-api")


@dataclass(frozen=True)
class Mlflow:
    """Calls with one Authorization header; every answer is JSON."""

    authorization: str
    prefix: str = "/api"

    def get(self, path: str, /, **query: object) -> tuple[int, Any]:
        return self.answered(self.send("GET", path, query=query))

    def post(self, path: str, /, **body: object) -> tuple[int, Any]:
        return self.answered(self.send("POST", path, body))

    def patch(self, path: str, /, **body: object) -> tuple[int, Any]:
        return self.answered(self.send("PATCH", path, body))

    def delete(self, path: str, /, **body: object) -> tuple[int, Any]:
        return self.answered(self.send("DELETE", path, body))

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, object] | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        """`path` lies below `…/2.0/mlflow/` unless it begins with a slash."""
        address = path if path.startswith("/") else f"{self.prefix}/2.0/mlflow/{path}"
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if self.authorization:
            headers = {"authorization": self.authorization, **headers}
        client = Client(enforce_csrf_checks=True)
        return client.generic(method, address, sent, content_type, headers=headers, query_params=query)

    def answered(self, response: Any) -> tuple[int, Any]:
        assert response.status_code not in (408, 429, *range(500, 600)), response.content
        return response.status_code, json.loads(response.content)


Speak = Callable[..., Mlflow]


@pytest.fixture
def speak() -> Speak:
    """A client with a token of the user's own: of every scope, or of those that are named."""

    def make(user: User, *, scope: list[str] | None = None, basic: bool = False, **narrowed: Any) -> Mlflow:
        name = f"mlflow {uuid4()}"
        secret = create_token(actor=user, name=name, scopes=scope or scopes(), **narrowed).secret
        both = base64.b64encode(f"anyone:{secret}".encode()).decode()
        return Mlflow(f"Basic {both}" if basic else f"Bearer {secret}")

    return make


def refusal(answer: tuple[int, Any]) -> tuple[int, str]:
    """Status and error code of an answer that says no, always with a sentence."""
    status, body = answer
    assert body["message"], body
    return status, body["error_code"]


@pytest.fixture(scope="session")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Web]:
    """One web process for all tests that speak to one; their rows must be committed."""
    with web_process(tmp_path_factory.mktemp("web")) as web:
        yield web


@pytest.fixture
def client_of(web: Web, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[User], None]]:
    """MLflow's own client as that user: nothing is set but the address and a token."""
    import mlflow

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # what would be tried again is a fault to see here

    def become(user: User) -> None:
        token = create_token(actor=user, name=f"client {uuid4()}", scopes=scopes()).secret
        monkeypatch.setenv("MLFLOW_TRACKING_URI", web.address)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
        mlflow.set_tracking_uri(web.address)
        mlflow.set_experiment(experiment_id="0")

    yield become
    while mlflow.active_run():
        mlflow.end_run()
