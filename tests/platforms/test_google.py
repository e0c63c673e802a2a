"""Airflow of Cloud Composer: Google's token for a service account's key, renewed; its refusals are sentences."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from apps.platforms.airflow import airflow
from apps.platforms.airflow.client import _sessions
from apps.platforms.airflow.google import SCOPE
from apps.platforms.airflow.probe import probe
from portal.local.ports import free_port
from tests.platforms.fake_airflow import Fake, fake_airflow


@dataclass
class Google:
    """Gives a token out for an assertion that the account's key has signed, as Google's token address does."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65_537, 2_048))
    address: str = ""
    given: int = 0
    lives: int = 3_599
    refuses: bool = False

    @property
    def secret(self) -> str:
        plain = serialization.NoEncryption()
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
        named = {"type": "service_account", "client_email": "portal@example.iam", "private_key_id": "k1"}
        return json.dumps({**named, "private_key": pem, "token_uri": self.address})

    def answer(self, sent: dict[str, list[str]]) -> tuple[int, Any]:
        form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        claims = jwt.decode(sent["assertion"][0], {"k1": self.key.public_key().public_bytes(*form)})
        assert (claims["iss"], claims["scope"]) == ("portal@example.iam", SCOPE)
        if self.refuses:
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        self.given += 1
        return 200, {"access_token": f"eyJ-google-{self.given}", "expires_in": self.lives, "token_type": "Bearer"}


@contextmanager
def serving(google: Google) -> Iterator[Google]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, said = google.answer(parse_qs(sent))
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    google.address = f"http://127.0.0.1:{server.server_port}/token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield google
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def google() -> Iterator[Google]:
    with serving(Google()) as made:
        yield made


@pytest.fixture(params=[2, 1], ids=["airflow-3", "airflow-2"])
def fake(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with fake_airflow(request.param) as made:
        made.takes_bearer = True
        yield made
    _sessions.clear()


def test_a_service_account_s_token_is_kept_and_renewed(google: Google, fake: Fake) -> None:
    for _ in range(3):
        assert len(airflow(fake.address, google.secret).workflows()) == 1
    assert (google.given, fake.tokens) == (1, 0)
    fake.revoked = {"Bearer eyJ-google-1"}
    airflow(fake.address, google.secret).workflows()
    assert google.given == 2
    assert probe(fake.address, google.secret).said.startswith(f"It is Airflow {fake.version}; 1 DAG")
    assert not [call for call in fake.calls if "private_key" in call]


def test_a_token_that_is_about_to_end_is_not_used(google: Google, fake: Fake) -> None:
    google.lives = 30
    airflow(fake.address, google.secret).workflows()
    before = google.given
    airflow(fake.address, google.secret).workflows()
    assert google.given > before


def test_what_google_says_no_to_is_told_as_that(google: Google, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    google.refuses = True
    refused = probe(fake.address, google.secret)
    assert (refused.trouble, refused.said[:40]) == ("auth", "Google gives no token for this account: ")
    broken = probe(fake.address, '{"type": "service_account"}')
    assert (broken.trouble, "no key of a service account" in broken.said) == ("auth", True)
    away = google.secret.replace(google.address, f"http://127.0.0.1:{free_port()}/token")
    assert probe(fake.address, away).said == "Google, which gives out the tokens, can not be reached."
    for name, value in {"GOOGLE_APPLICATION_CREDENTIALS": "/no/such/file", "NO_GCE_CHECK": "true"}.items():
        monkeypatch.setenv(name, value)
    assert "This machine has no account at Google" in probe(fake.address, "google").said
    assert not [call for call in fake.calls if "dags" in call]
