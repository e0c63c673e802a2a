"""Secrets are planted in a live portal, everything it says is gathered, and none of them is anywhere in it."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus, urljoin, urlsplit

import pytest
import requests
from django.contrib.auth.hashers import make_password
from django.db import connection

from apps.accounts.models import PortalRole, Team, User
from apps.backups.database import _tool
from apps.core.permissions import scopes
from apps.registry.actions import SegmentSpec, add_segments, create_family
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.definitions import Definition
from portal.local import processes
from portal.local.ports import LOOPBACK, free_port
from tests.architecture.test_doors import addresses
from tests.factories import give
from tests.faults.counting import is_over
from tests.faults.portal import Portal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]
PASSWORD = "a-Password-of-Ada's/own&x"
TYPED_WRONG = "a-Password+of-another-portal"
TYPED_AS_NAME = "a-Password+in-the-wrong/field&x"
PLANTED = {
    "connection": "admin:Conn3ction-s3cret+/=&x",
    "connection refused": "Conn3ction-that-was<refused>",
    "webhook": "Webh00k-s3cret+/=&x",
    "webhook refused": "Webh00k-that-was<refused>",
    "mail": "Mail-p4ssword+/=&x",
    "key": "UGxhbnRlZC1lbmNyeXB0aW9uLWtleS0wMDAwMDAwMDA=",
    "older key": "UGxhbnRlZC1vbGRlci1lbmNyeXB0LWtleS0wMDAwMDA=",
    "signing": "planted-S1gning-key-planted-S1gning-key-planted-S1gning-key",
    "password": PASSWORD,
    "wrong password": TYPED_WRONG,
    "password as a name": TYPED_AS_NAME,
}
SCRIPT = """
import json, os, pathlib, urllib.request
token, home = os.environ["MLFLOW_TRACKING_TOKEN"], os.environ["MLFLOW_TRACKING_URI"]
pathlib.Path(json.loads(pathlib.Path(os.environ["PORTAL_PARAMS"]).read_text())["keep"]).write_text(token)
address = home + "/api/2.0/mlflow/runs/get?run_id=" + os.environ["MLFLOW_RUN_ID"]
asked = urllib.request.Request(address, headers={"Authorization": "Bearer " + token})
print(urllib.request.urlopen(asked).status)
(pathlib.Path(os.environ["PORTAL_OUT"]) / "metrics.json").write_text('{"mae": 6.5}')
raise ValueError("the matrix is singular")
"""
SCHEMA = {"type": "object", "properties": {"keep": {"type": "string"}}}


@pytest.fixture
def portal(transactional_db: None) -> Iterator[Portal]:
    folder = Path(tempfile.mkdtemp(prefix="portal-secrets-"))
    folder.chmod(0o711)
    pipelines, kept = folder / "scripts", folder / "kept"
    for made in (pipelines, kept, folder / "lake"):
        made.mkdir(mode=0o755)
    kept.chmod(0o777)
    (pipelines / "tell.py").write_text(SCRIPT)
    portal = Portal(folder, pipelines, folder / "lake")
    portal.env |= {
        "SECRET_KEY": PLANTED["signing"],
        "ENCRYPTION_KEYS": f"{PLANTED['key']},{PLANTED['older key']}",
        "EMAIL_HOST": LOOPBACK,
        "EMAIL_PORT": str(free_port()),
        "EMAIL_HOST_USER": "portal",
        "EMAIL_HOST_PASSWORD": PLANTED["mail"],
        "WEBHOOK_SCHEMES": "http",
        "WEBHOOK_PRIVATE_NETWORKS": "127.0.0.0/8",
        "TRACKING_URL": portal.address,
        "LOG_LEVEL": "DEBUG",
    }
    portal.run(processes.COLLECT_STATIC)
    portal.start("valkey", "web", "control", "work", "outgoing", "beat")
    yield portal
    portal.stop()
    shutil.rmtree(folder)


@pytest.fixture
def ada(team: Team) -> User:
    """May do everything, and has a password that a web process can check."""
    ada = User.objects.create(username="ada", name="Ada", email="ada@example.org", default_team=team)
    ada.memberships.create(team=team, role="lead")
    for role in PortalRole.Role:
        give(ada, role)
    return ada


@pytest.fixture
def family(ada: User, team: Team) -> ModelFamily:
    made = create_family(actor=ada, slug="eta-trip", name="ETA", team=team, dimension="city", metric="mae", unit="min")
    add_segments(actor=ada, family=made, segments=[SegmentSpec("atlanta", "Atlanta")])
    return made


def test_no_secret_is_in_anything_that_the_portal_says_writes_or_keeps(
    portal: Portal, ada: User, team: Team, family: ModelFamily, settings: object
) -> None:
    settings.PIPELINES_DIR = Path(portal.env["PIPELINES_DIR"])  # type: ignore[attr-defined]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]  # type: ignore[attr-defined]
    User.objects.filter(pk=ada.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    portal.wait_for(lambda: _answers(portal))
    said = Said(portal.address)
    said.sign_in("ada")
    secrets = PLANTED | {
        "token": said.token(ada),
        "channel": f"http://{LOOPBACK}:{free_port()}/services/Ch4nnel-s3cret",
    }
    secrets |= {"run token": _retrain(portal, ada, team, family), **_of_servers(portal)}
    plant(said, secrets, team)
    portal.wait_for(lambda: _tried_to_deliver() and _rejected_by_the_connection(said))
    said.walk()
    for door in ("/api/v1/me/", "/api/2.0/mlflow/experiments/search", "/connections/"):
        said.ask("GET", door, headers={"Authorization": f"Bearer {secrets['token']}x"})
    portal.stop()
    found = leaks(secrets, {**said.answers, **_kept(portal)})
    assert found == []
    assert len(said.answers) > 250
    assert leaks(secrets, {"shown once": f"<code>{quote(secrets['token'])}</code>".encode()}) == ["token in shown once"]


class Said:
    """A person at a browser and at the API; keeps every answer, with its headers."""

    def __init__(self, home: str) -> None:
        self.home, self.session = home, requests.Session()
        self.answers: dict[str, bytes] = {}
        self.bearer: dict[str, str] = {}

    def ask(self, method: str, address: str, **more: object) -> requests.Response:
        answer = self.session.request(method, urljoin(self.home, address), timeout=60, **more)  # type: ignore[arg-type]
        told = f"{len(self.answers)} {method} {address} {answer.status_code}"
        self.answers[told] = f"{answer.url} {answer.headers}".encode() + answer.content
        assert answer.status_code < 500, told
        return answer

    def api(self, method: str, address: str, body: object = None) -> requests.Response:
        return self.ask(method, address, json=body, headers=self.bearer, cookies={"sessionid": ""})

    def send_form(self, where: str, **fields: object) -> requests.Response:
        page = self.ask("GET", where).text
        proof = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert proof, where
        return self.ask("POST", where, data={"csrfmiddlewaretoken": proof[1], **fields})

    def sign_in(self, username: str) -> None:
        address = "/accounts/sign-in/"
        self.send_form(address, username=TYPED_AS_NAME, password="x")
        self.answers.popitem()  # the form keeps what was typed, for who typed it
        assert self.send_form(address, username=username, password=TYPED_WRONG).status_code in (200, 400)
        assert self.send_form(address, username=username, password=PASSWORD).url == f"{self.home}/"

    def token(self, user: User) -> str:
        """Made on the profile page, which shows it this once."""
        made = self.send_form("/accounts/profile/", name="laptop", scopes=scopes(), days=30)
        shown = re.search(r"\b[0-9a-f]{64}\b", made.text)
        assert shown
        self.answers.popitem()
        self.bearer = {"Authorization": f"Bearer {shown[0]}"}
        return shown[0]

    def walk(self) -> None:
        """Every address that the portal has, and every page that one of them leads to."""
        seen: set[str] = set()
        waiting = [f"/{address}" for address in sorted(set(addresses())) if "sign-out" not in address]
        while waiting:
            address = waiting.pop()
            if address in seen:
                continue
            seen.add(address)
            answer = self.api("GET", address) if address.startswith(("/api", "/ajax-api")) else self.ask("GET", address)
            if "text/html" in answer.headers.get("Content-Type", "") and len(seen) < 1_000:
                waiting += [link for link in _links(answer.text) if not re.search(r"[?&]|static|sign-out|none", link)]


def plant(said: Said, secrets: dict[str, str], team: Team) -> None:
    """By pages and by the API, right and wrong."""
    closed = f"http://{LOOPBACK}:{free_port()}"
    connection = {"kind": "airflow", "name": "flows", "address": closed, "secret": secrets["connection"]}
    refused = connection | {"name": "No Name!", "address": "ftp://x", "secret": secrets["connection refused"]}
    said.send_form("/connections/new/", **refused)
    said.send_form("/connections/new/", **connection)
    said.api("POST", "/api/v1/connections/", refused)
    assert said.api("POST", "/api/v1/connections/", connection | {"name": "more"}).status_code == 201
    hook = {"name": "ci", "url": f"{closed}/hook", "events": ["registered_model.created"]}
    made = said.api("POST", "/api/v1/webhooks/", hook | {"secret": secrets["webhook"]})
    assert made.status_code == 201, made.text
    said.api("POST", "/api/v1/webhooks/", hook | {"url": "nowhere", "secret": secrets["webhook refused"]})
    said.api("POST", "/api/2.0/mlflow/webhooks", {"name": "x", "url": "no", "secret": secrets["webhook refused"]})
    said.api("POST", f"/api/v1/webhooks/{made.json()['id']}/test/", {})
    said.send_form(f"/webhooks/{made.json()['id']}/edit/", url="nowhere", secret=secrets["webhook refused"])
    assert said.api("PUT", f"/api/v1/channels/{team.slug}/", {"address": secrets["channel"]}).status_code == 200
    said.api("POST", f"/api/v1/channels/{team.slug}/test/", {})
    said.api("POST", "/api/2.0/mlflow/registered-models/create", {"name": "alone"})


def _retrain(portal: Portal, ada: User, team: Team, family: ModelFamily) -> str:
    """The token of a run, as its script found it."""
    keep = portal.folder / "kept" / "token"
    definition = Definition(name="Tell", script="tell.py", schema=SCHEMA, after_success="nothing")
    pipeline = actions.define_pipeline(actor=ada, slug="tell", team=team, families=[family], definition=definition)
    request = actions.submit_request(actor=ada, pipeline=pipeline, family=family, parameters={"keep": str(keep)})
    portal.wait_for(lambda: is_over(request))
    token = keep.read_text()
    keep.unlink()
    return token


def _of_servers(portal: Portal) -> dict[str, str]:
    return {
        "database": str(connection.settings_dict["PASSWORD"]),
        "broker": str(urlsplit(portal.redis_url).password),
    }


def _answers(portal: Portal) -> bool:
    try:
        return requests.get(f"{portal.address}/healthz", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def _tried_to_deliver() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM notifications_attempt")
        return bool(cursor.fetchone()[0])


def _rejected_by_the_connection(said: Said) -> bool:
    return bool(said.api("POST", "/api/v1/connections/more/test/").json()["trouble"])


def _links(page: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="(/[^"#]*)', page)]


def _kept(portal: Portal) -> dict[str, bytes]:
    """Logs and everything else in the data folder, and a backup, with its dump in words: every row of every table."""
    backup = portal.folder / "backup"
    portal.run(["python", "manage.py", "backup", str(backup)])
    (dump,) = backup.glob("*/database.dump")
    words = subprocess.run([_tool("pg_restore"), "--file=-", str(dump)], capture_output=True, check=True).stdout
    assert words.count(b"COPY ") > 50
    files = [
        path for path in portal.folder.rglob("*") if path.is_file() and portal.folder / "static" not in path.parents
    ]
    ours = {str(path.relative_to(portal.folder)): path.read_bytes() for path in files if not _is_a_servers_own(path)}
    assert {"web.log", "work.log", "outgoing.log", "beat.log", "control.log"} <= ours.keys()
    return {**ours, "dump": words}


def _is_a_servers_own(path: Path) -> bool:
    return path.name in {"valkey.conf", "users.acl"}


def leaks(secrets: dict[str, str], said: dict[str, bytes]) -> list[str]:
    """Which secret is where, in whatever spelling."""
    return [
        f"{name} in {where}"
        for name, secret in secrets.items()
        for spelt in spellings(secret)
        for where, text in said.items()
        if spelt in text
    ]


def spellings(secret: str) -> set[bytes]:
    """Plain, in HTML, in an address, in JSON, in hexadecimal digits, and in base64 wherever it begins in it."""
    raw = secret.encode()
    plain = {secret, html.escape(secret), quote(secret, safe=""), quote_plus(secret), secret.replace("/", "\\/")}
    coded = {raw.hex(), repr(secret)[1:-1]}
    for before in range(3):
        whole = b64encode(b"\0" * before + raw).decode()
        coded.add(whole[4 if before else 0 : -4])  # what its neighbours change is left out
    coded |= {text.replace("+", "-").replace("/", "_") for text in coded}
    return {text.encode() for text in plain | coded if len(text) >= 12}
