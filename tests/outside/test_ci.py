"""docs/ci.md: its script against a running portal, and the trade of a run's ID token for one of the portal's."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from apps.accounts import trading
from apps.accounts.actions import create_service_account, create_token
from apps.accounts.models import Team, User
from apps.audit.models import AuditEvent
from apps.registry.actions import approve, update_family
from apps.registry.models import ModelFamily, Segment, Wave
from tests.registry import conftest as registry
from tests.registry.conftest import Evaluate, MakeVersion
from tests.served import ROOT, Web, web_process

pytestmark = pytest.mark.django_db(transaction=True)
atlanta, evaluate, family = registry.atlanta, registry.evaluate, registry.family
make_champion, make_version = registry.make_champion, registry.make_version
PAGE = (ROOT / "docs" / "ci.md").read_text()
PROMOTE = next(part for part in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if part.startswith("#!/bin/sh"))
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def issuer() -> Iterator["Issuer"]:
    with_keys = Issuer()
    yield with_keys
    with_keys.server.shutdown()


class Issuer:
    """What GitHub or GitLab publish, at an address of our own: a description, and keys."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._answering())
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def vouches(self, key: Any = None, **claims: Any) -> str:
        now = timezone.now()
        said = {
            "iss": self.address,
            "aud": "https://portal.example.org",
            "sub": "repo:acme/eta-trip:ref:refs/heads/main",
            "repository": "acme/eta-trip",
            "ref": "refs/heads/main",
            "iat": now,
            "exp": now + timedelta(minutes=5),
        }
        return jwt.encode(said | claims, key or self.key, algorithm="RS256", headers={"kid": "one"})

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys = {
                    "keys": [{**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(issuer.key.public_key())), "kid": "one"}]
                }
                published = {"issuer": issuer.address, "jwks_uri": f"{issuer.address}/keys"}
                body = json.dumps(keys if self.path == "/keys" else published).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Says nothing."""

        return Answer


@pytest.fixture(scope="module")
def portal(issuer: Issuer, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """It trusts what the page says, with the test's issuer in GitHub's place."""
    trust = next(part for part in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if part.startswith("- issuer"))
    trust = trust.replace("https://token.actions.githubusercontent.com", issuer.address)
    with web_process(tmp_path_factory.mktemp("portal"), CI_TRUST=trust) as web:
        yield web


@pytest.fixture
def account(approver: User, team: Team) -> User:
    return create_service_account(actor=approver, team=team, username="ci-rides")


@pytest.fixture
def run(portal: Web, approver: User, account: User, tmp_path: Path) -> Run:
    """`promote.sh` of the page, as a build runs it with a family's token for minutes."""
    reach: dict[str, Any] = {"scopes": ["read", "registry:write"], "families": ["eta-trip"], "minutes": 10}
    token = create_token(actor=approver, account=account, name="build", **reach).secret

    def promote(key: str = "build-1", **settings: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "promote.sh").write_text(PROMOTE)
        proposal = {"family": "eta-trip", "rule": "newest", "reason": "CI of 4f1c", "key": key}
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PORTAL": portal.address, "PORTAL_TOKEN": token, "EVERY": "1"}
        env |= {"MINUTES": "0", "PROPOSAL": json.dumps(proposal), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        command = ["sh", "promote.sh"]
        return subprocess.run(command, cwd=tmp_path, env=env | settings, capture_output=True, text=True, timeout=120)

    return promote


def test_a_build_ends_with_the_verdict_and_shows_it(
    run: Run,
    family: ModelFamily,
    approver: User,
    atlanta: Segment,
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    tmp_path: Path,
    stranger: User,
) -> None:
    make_champion(atlanta)
    update_family(actor=approver, family=family, approvers=[stranger])
    assert run("nothing").returncode == 1, "there is no candidate"
    candidate = make_version(atlanta)
    first = run()
    assert first.returncode == 3, first.stdout + first.stderr
    assert "being evaluated" in first.stdout

    evaluate(candidate)
    waiting = run()
    assert waiting.returncode == 3, waiting.stdout + waiting.stderr
    assert "waits for approval" in waiting.stdout
    assert "| eta-trip.atlanta | v2 | v1 |" in waiting.stdout
    wave = Wave.objects.get(key="build-1")
    approve(actor=stranger, wave=wave, digest=wave.digest)
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "promoted" in done.stdout
    assert "promoted" in (tmp_path / "summary.md").read_text()
    assert Wave.objects.filter(key="build-1").count() == 1

    worse = make_version(atlanta)
    evaluate(worse, mae=9.5, champion_mae=6.0)
    refused = run("build-2")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "**eta-trip.atlanta**" in refused.stdout


def test_a_build_waits_out_a_portal_that_is_away(run: Run, family: ModelFamily) -> None:
    assert run(PORTAL="http://127.0.0.1:1").returncode == 3


def test_a_run_that_its_issuer_vouches_for_gets_a_token_of_its_family_for_minutes(
    portal: Web, issuer: Issuer, account: User, family: ModelFamily
) -> None:
    def trade(token: str) -> requests.Response:
        return requests.post(f"{portal.address}/api/v1/ci-token/", json={"token": token}, timeout=30)

    made = trade(issuer.vouches())
    assert made.status_code == 201, made.text
    bearer = {"Authorization": f"Bearer {made.json()['token']}"}
    me = requests.get(f"{portal.address}/api/v1/me/", headers=bearer, timeout=30)
    assert me.json()["username"] == "ci-rides"
    row = account.auth_token_set.get()
    assert (row.families, sorted(row.scopes)) == (["eta-trip"], ["read", "registry:write"])
    assert row.expiry - row.created <= timedelta(minutes=20)
    assert AuditEvent.objects.filter(action="accounts.token_traded").count() == 1

    forged = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for refused in (
        issuer.vouches(ref="refs/pull/7/merge"),
        issuer.vouches(repository="acme/fraud"),
        issuer.vouches(aud="https://other.example.org"),
        issuer.vouches(iss="https://evil.example.org"),
        issuer.vouches(exp=timezone.now() - timedelta(minutes=5)),
        issuer.vouches(key=forged),
        jwt.encode({"iss": issuer.address}, "a-shared-secret-that-is-long-enough", algorithm="HS256"),
        "nonsense",
    ):
        answer = trade(refused)
        assert answer.status_code == 403, answer.text
        assert answer.json()["message"]
    assert account.auth_token_set.count() == 1


def test_the_page_shows_files_that_can_be_read() -> None:
    parts = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert all(yaml.safe_load(part) for part in parts)
    assert len(trading._read(next(part for part in parts if part.startswith("- issuer")))) == 2
