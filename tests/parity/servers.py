"""A real MLflow server and the portal, side by side on one PostgreSQL, each with a database and a folder of its own."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg2  # type: ignore[import-untyped]

from portal.local.ports import LOOPBACK, free_port
from portal.local.processes import web

REPOSITORY = Path(__file__).resolve().parents[2]
MLFLOW = REPOSITORY / ".venv-mlflow" / "bin" / "mlflow"
COMES_UP_SECONDS = 180.0
MAKE_PEOPLE = """
from apps.accounts.actions import create_token
from apps.accounts.models import Membership, Team, User
from apps.core.permissions import scopes
team = Team.objects.create(slug="parity", name="Parity")
user = User.objects.create_user("parity", name="Parity", default_team=team)
Membership.objects.create(user=user, team=team)
print(create_token(actor=user, name="parity", scopes=scopes()).secret)
"""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def error(self) -> str:
        return self.body.get("error_code", "") if isinstance(self.body, dict) else ""


@dataclass
class Server:
    """Speaks the protocol over one kept-alive connection."""

    name: str
    port: int
    database: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def call(self, method: str, path: str, sent: Any = None) -> Answer:
        """`path` lies below `/api/2.0/mlflow/` unless it begins with a slash. What is sent goes into the query of a
        GET, else it is the JSON body.
        """
        address, body = path if path.startswith("/") else f"/api/2.0/mlflow/{path}", None
        if method == "GET":
            address += f"?{urlencode(sent or {}, doseq=True)}"
        else:
            body = json.dumps(sent or {})
        status, answered = self._sent(method, address, body)
        try:
            return Answer(status, json.loads(answered))
        except ValueError:
            return Answer(status, answered.decode(errors="replace"))

    def _sent(self, method: str, address: str, body: str | None) -> tuple[int, bytes]:
        """On a new connection where the server has closed the old one, as it does after a few idle seconds."""
        try:
            return self._answered(method, address, body)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            return self._answered(method, address, body)

    def _answered(self, method: str, address: str, body: str | None) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        try:
            self._connection.request(method, address, body, {"Content-Type": "application/json", **self.headers})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            self._connection = None
            raise


@contextmanager
def mlflow(folder: Path, *, workers: int = 1, database: str = "") -> Iterator[Server]:
    """MLflow's own server without jobs and telemetry, on a database of its own or on another's."""
    assert MLFLOW.exists(), "MLflow's own environment is not there: run `make test-mlflow`, which makes it"
    port, database = free_port(), database or _database("mlflow")
    store = urlsplit(database)._replace(scheme="postgresql+psycopg2").geturl()
    argv = [str(MLFLOW), "server", "--backend-store-uri", store, "--host", LOOPBACK, "--port", str(port)]
    argv += ["--artifacts-destination", str(folder / "mlflow-files"), "--workers", str(workers)]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    quiet |= {"PYTHONHASHSEED": "1"}  # it prints sets
    with _running(argv, folder / f"mlflow-{workers}.log", {**os.environ, **quiet}, port):
        yield Server("mlflow", port, database)


@contextmanager
def portal(folder: Path, *, database: str = "portal") -> Iterator[Server]:
    """The portal's web process as `make serve` starts it, with one person who has a token of every scope."""
    env = _portal_s_env(folder, _database(database))
    _manage(env, "migrate", "--verbosity", "0")
    token = _manage(env, "shell", "--no-imports", "-c", MAKE_PEOPLE).strip().splitlines()[-1]
    with _granian(folder / f"{database}.log", env) as port:
        yield Server("portal", port, env["DATABASE_URL"], {"Authorization": f"Bearer {token}"})


@contextmanager
def bare(folder: Path, beside: Server) -> Iterator[Server]:
    """A Django without the portal's middleware and doors, in the same server on the same database."""
    env = {**_portal_s_env(folder, beside.database), "DJANGO_SETTINGS_MODULE": "benchmarks.bare.settings"}
    with _granian(folder / "bare.log", env) as port:
        yield Server("bare", port, beside.database)


def _portal_s_env(folder: Path, database: str) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database, "VAR_DIR": str(folder / "var"), "PORTAL_LOCAL": "1"}


@contextmanager
def _granian(log: Path, env: Mapping[str, str]) -> Iterator[int]:
    port = free_port()
    program = [str(Path(sys.executable).parent / "granian"), *web(host=LOOPBACK, port=port)[1:]]
    with _running(program, log, env, port):
        yield port


def _database(name: str) -> str:
    """The address of an empty database beside the tests' own."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    session = psycopg2.connect(os.environ["DATABASE_URL"])
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "parity_{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "parity_{name}"')
    session.close()
    return parts._replace(path=f"/parity_{name}").geturl()


def _manage(env: Mapping[str, str], *command: str) -> str:
    argv = [sys.executable, "-W", "ignore", "manage.py", *command]
    done = subprocess.run(argv, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def _running(argv: list[str], log: Path, env: Mapping[str, str], port: int) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(argv, cwd=REPOSITORY, env=env, stdout=output, stderr=output, start_new_session=True)
        try:
            _wait_until_up(process, port, log)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + COMES_UP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if Server("health", port)._sent("GET", "/health", None)[0] == 200:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.3)
    raise AssertionError(f"It did not come up.\n{log.read_text()[-4000:]}")
