"""Connections to the company's own platforms: for platform admins, tested to the point, their credentials unseen."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Denied, Exists, Invalid
from apps.core.keyring import unseal
from apps.platforms import actions
from apps.platforms.mlflow_probe import probe
from apps.platforms.models import Connection
from apps.registry.actions import Origin, create_model
from apps.transfers import bringing
from apps.transfers.actions import register_from_elsewhere
from portal.local.ports import free_port
from tests.conftest import api, signed_in
from tests.transfers.conftest import FILES, MODEL_ID, RUN_ID
from tests.transfers.servers import Elsewhere, elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
LOGGED = Origin(f"models:/{MODEL_ID}", logged_model=MODEL_ID)


def text(response: object) -> str:
    return " ".join(response.content.decode().split())  # type: ignore[attr-defined]


@pytest.fixture
def server() -> Iterator[Elsewhere]:
    with elsewhere() as made:
        made.log_model(MODEL_ID, RUN_ID, FILES)
        yield made


@pytest.fixture
def connection(admin: User, server: Elsewhere) -> Connection:
    return actions.add_connection(
        actor=admin, name="tracking", kind="mlflow", address=server.address, secret="t0ken-of-ours"
    )


@pytest.fixture
def browser(admin: User) -> Client:
    return signed_in(admin)


def test_only_admins_connect_and_what_is_wrong_stands_at_its_field(admin: User, owner: User) -> None:
    good = {"name": "tracking", "kind": "mlflow", "address": "https://mlflow.example.org/"}
    with pytest.raises(Denied, match="Only a platform admin"):
        actions.add_connection(actor=owner, **good)
    assert actions.add_connection(actor=admin, **good).address == "https://mlflow.example.org"
    with pytest.raises(Exists):
        actions.add_connection(actor=admin, **good)
    wrong = {
        "address": (
            "ftp://x",
            "https://user:pw@x",
            "https://@x",
            "x",
            "https://x/?a=b",
            "https://x:99999",
            "https://ä",
        ),
        "name": ("new", "Big", "", "a" * 65),
        "kind": ("oracle",),
        "secret": ("two\nlines", "x" * 4_001),
    }
    for field, values in wrong.items():
        for value in values:
            with pytest.raises(Invalid) as error:
                actions.add_connection(actor=admin, **good | {"name": "other", field: value})
            assert error.value.field == field, value


def test_a_credential_is_sealed_is_never_shown_and_goes_to_no_other_address(
    admin: User, browser: Client, connection: Connection
) -> None:
    assert "t0ken" not in connection.sealed_secret
    shown: list[object] = [browser.get(f"/connections/{path}") for path in ("", "tracking/", "tracking/edit/")]
    shown += [browser.get("/api/v1/connections/"), api(admin).get("/api/v1/connections/tracking/")]
    assert not [page for page in shown if "t0ken" in text(page) or connection.sealed_secret in text(page)]
    assert "t0ken" not in json.dumps([[event.before, event.after] for event in AuditEvent.objects.all()])
    with pytest.raises(Invalid, match="Enter the credential again") as error:
        actions.change_connection(actor=admin, connection=connection, address="https://evil.example.org")
    assert error.value.field == "secret"
    with pytest.raises(CommandError, match="Enter the credential again"):
        call_command("connect_mlflow", "tracking", "https://evil.example.org", "--actor", admin.username)
    renamed = actions.change_connection(actor=admin, connection=connection, name="mlflow")
    assert (renamed.name, unseal(renamed.sealed_secret)) == ("mlflow", "t0ken-of-ours")
    moved = {"address": "https://mlflow.example.org", "secret": "another"}
    assert unseal(actions.change_connection(actor=admin, connection=renamed, **moved).sealed_secret) == "another"
    assert not actions.change_connection(actor=admin, connection=renamed, secret="").sealed_secret
    assert AuditEvent.objects.filter(action="platforms.connection_set").count() == 4


def test_strangers_learn_of_no_connection(owner: User, connection: Connection) -> None:
    browser, client = signed_in(owner), api(owner)
    assert "Platform admins connect platforms" in text(browser.get("/connections/"))
    assert client.get("/api/v1/connections/").json()["results"] == []
    for path in ("tracking/", "tracking/edit/"):
        assert browser.get(f"/connections/{path}").status_code == 404
    for path in ("test/", "remove/"):
        assert browser.post(f"/connections/tracking/{path}").status_code == 404
    assert browser.get("/connections/new/").status_code == 403
    assert client.get("/api/v1/connections/tracking/").status_code == 404
    made = client.post("/api/v1/connections/", {"name": "x", "kind": "mlflow", "address": "https://x"}, format="json")
    assert made.status_code == 403
    assert Connection.objects.count() == 1


def test_a_page_connects_tests_changes_and_removes(browser: Client, server: Elsewhere, admin: User) -> None:
    assert "No connections" in text(browser.get("/connections/"))
    sent = {"kind": "mlflow", "name": "tracking", "address": "nowhere", "secret": "t0ken"}
    assert "An address looks like" in text(browser.post("/connections/new/", sent))
    page = browser.post("/connections/new/", sent | {"address": server.address}, follow=True)
    assert "Saved. It is MLflow 3.17.2; models, runs and files can be read." in text(page)
    assert server.authorization == {"Bearer t0ken"}
    assert Connection.objects.get().health == "well"
    server.refuses = 401
    page = browser.post("/connections/tracking/test/", follow=True)
    assert "The credential is not accepted" in text(page)
    changed = {"name": "mlflow", "address": server.address, "without_secret": "on"}
    page = browser.post("/connections/tracking/edit/", changed, follow=True)
    assert "no credential is stored" in text(page)
    assert "is removed" in text(browser.post("/connections/mlflow/remove/", follow=True))
    assert not Connection.objects.exists()


def test_the_api_does_the_same(admin: User, server: Elsewhere) -> None:
    client = api(admin)
    sent = {"name": "tracking", "kind": "mlflow", "address": server.address, "secret": "t0ken"}
    made = client.post("/api/v1/connections/", sent, format="json")
    assert (made.status_code, made.json()["signs_in"], made.json()["health"]) == (201, True, "untested")
    tested = client.post("/api/v1/connections/tracking/test/").json()
    assert (tested["health"], tested["trouble"], tested["version"]) == ("well", "", "3.17.2")
    assert client.patch("/api/v1/connections/tracking/", {"secret": ""}, format="json").json()["signs_in"] is False
    assert client.get("/api/v1/connections/tracking/uses/").json()["results"] == []
    assert client.delete("/api/v1/connections/tracking/").status_code == 204


def test_what_came_through_it_is_shown_and_keeps_it(
    admin: User, owner: User, browser: Client, connection: Connection, server: Elsewhere
) -> None:
    model = create_model(actor=owner, name="alone")
    for _ in range(2):
        register_from_elsewhere(actor=owner, model=model, origin=LOGGED)
    bringing.bring_next()
    server.refuses = 403
    bringing.bring_next()
    page = text(browser.get("/connections/tracking/"))
    assert "alone" in page
    assert api(admin).get("/api/v1/connections/tracking/uses/").json()["results"][0]["words"] == "1 version"
    with pytest.raises(Conflict, match="where some versions came from"):
        actions.remove_connection(actor=admin, connection=connection)
    assert "where some versions came from" in text(browser.post("/connections/tracking/remove/", follow=True))
    assert not AuditEvent.objects.filter(action="platforms.connection_removed").exists()


@pytest.mark.parametrize(
    ("version", "refuses", "secret", "trouble", "said"),
    [
        ("3.17.2", 401, "", "auth", "no credential is stored"),
        ("3.17.2", 401, "t0ken", "auth", "does not accept the credential"),
        ("3.17.2", 403, "t0ken", "permission", "give that account READ permission"),
        ("3.17.2", 500, "t0ken", "address", "look into its log"),
        ("3.17.2", 404, "t0ken", "address", "Nothing of MLflow is at that address"),
        ("1.30.0", 0, "t0ken", "version", "update it to 2.0"),
        ("<html>", 0, "t0ken", "address", "it is no MLflow server"),
    ],
)
def test_a_test_says_which_part_is_wrong(
    server: Elsewhere, version: str, refuses: int, secret: str, trouble: str, said: str
) -> None:
    server.version, server.refuses = version, refuses
    found = probe(server.address, secret)
    assert (found.trouble, said in found.said) == (trouble, True), found.said
    assert "secrets of the inside" not in found.said


def test_a_server_without_files_is_told(server: Elsewhere) -> None:
    server.broken_at = "mlflow-artifacts"
    assert probe(server.address, "").trouble == "files"


def test_an_address_that_leads_nowhere_is_told() -> None:
    refused = probe(f"http://127.0.0.1:{free_port()}", "")
    assert (refused.trouble, "takes no connection: check the port" in refused.said) == ("address", True)
    unknown = probe("http://no-such-host.invalid", "")
    assert (unknown.trouble, "The name no-such-host.invalid is not known" in unknown.said) == ("address", True)


def test_a_certificate_that_nobody_vouches_for_is_told(tmp_path: Path, server: Elsewhere) -> None:
    with SelfSigned(tmp_path) as port:
        found = probe(f"https://localhost:{port}", "t0ken")
    assert (found.trouble, "The certificate of localhost is not trusted" in found.said) == ("tls", True), found.said
    plain = probe(server.address.replace("http://", "https://"), "t0ken")
    assert (plain.trouble, "does not speak TLS" in plain.said) == ("tls", True), plain.said


class SelfSigned:
    """Shakes hands with a certificate of its own making."""

    def __init__(self, folder: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(_certificate(folder))

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return int(self._socket.getsockname()[1])

    def __exit__(self, *error: object) -> None:
        self._thread.join(30)
        self._socket.close()

    def _serve(self) -> None:
        caller, _ = self._socket.accept()
        with caller, contextlib.suppress(OSError):
            self._context.wrap_socket(caller, server_side=True).close()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "own.pem"
    file.write_bytes(key.private_bytes(*kinds) + made.public_bytes(serialization.Encoding.PEM))
    return file
