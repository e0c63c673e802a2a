"""A real Airflow 3.3.2 on the tests' PostgreSQL, its processes one by one; and a proxy before it that lies."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

import psycopg2  # type: ignore[import-untyped]

from portal.local.ports import LOOPBACK, free_port

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / ".venv-airflow" / "bin" / "airflow"
COMES_UP_SECONDS = 480.0
PASSWORD = "portal:portal-pw"
VIEWER = "viewer:viewer-pw"
PROCESSES = ("api-server", "scheduler", "dag-processor")


@dataclass
class AirflowServer:
    """Three processes, each of which can be ended and started again."""

    folder: Path
    port: int
    env: Mapping[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [str(PROGRAM), name], cwd=self.folder, env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """kill -9 of it and of all that it started."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def is_healthy(self) -> bool:
        try:
            connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
            connection.request("GET", "/api/v2/monitor/health")
            said = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return all(said[name]["status"] == "healthy" for name in ("scheduler", "dag_processor"))

    def wait_for(self, condition: Callable[[], object], seconds: float = COMES_UP_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"This took longer than {seconds} seconds.\n{self.said()}"
            time.sleep(0.3)

    def said(self) -> str:
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3_000:]}" for log in sorted(self.folder.glob("*.log")))

    def logs(self) -> str:
        """All that was ever logged, of tasks and of the servers."""
        return "\n".join(file.read_text("utf-8", "replace") for file in sorted(self.folder.rglob("*.log")))

    def dag_runs(self) -> list[tuple[str, str]]:
        """Id and state of every run, as Airflow's own database has them."""
        return self._ask("SELECT run_id, state FROM dag_run ORDER BY id")

    def confs(self) -> list[tuple[str, dict[str, Any]]]:
        """Of every run, what it was triggered with."""
        return self._ask("SELECT run_id, conf FROM dag_run ORDER BY id")

    def has_read_its_dags(self) -> bool:
        files = list((self.folder / "dags").glob("*.py"))
        assert not (broken := self._ask("SELECT stacktrace FROM import_error")), broken
        return self._ask("SELECT count(*) FROM serialized_dag") == [(len(files),)]

    def _ask(self, question: str) -> list[Any]:
        session = psycopg2.connect(self.env["OWN_DATABASE"])
        try:
            with session.cursor() as cursor:
                cursor.execute(question)
                return list(cursor.fetchall())
        finally:
            session.close()


@contextmanager
def real_airflow(folder: Path, trips: Path) -> Iterator[AirflowServer]:
    assert PROGRAM.exists(), "Airflow's own environment is not there: run `make test-airflow`, which makes it"
    shutil.copytree(REPOSITORY / "apps" / "demo" / "dags", folder / "dags")
    users = dict(one.split(":") for one in (PASSWORD, VIEWER))
    (folder / "passwords.json").write_text(json.dumps(users))
    port = free_port()
    env = _environment(folder, port, _database()) | {"TRIPS_FOLDER": str(trips)}
    migrated = subprocess.run([str(PROGRAM), "db", "migrate"], env=env, capture_output=True, text=True, check=False)
    assert migrated.returncode == 0, migrated.stderr[-4_000:]
    server = AirflowServer(folder, port, env)
    try:
        for name in PROCESSES:
            server.start(name)
        server.wait_for(server.is_healthy)
        server.wait_for(server.has_read_its_dags)
        yield server
    finally:
        server.stop()


def _environment(folder: Path, port: int, database: str) -> dict[str, str]:
    address = f"http://{LOOPBACK}:{port}"
    own = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": f"{folder}/dags",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "portal:admin,viewer:viewer",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": f"{folder}/passwords.json",
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__PARALLELISM": "4",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "API__BASE_URL": address,
        "API__HOST": LOOPBACK,
        "API__PORT": str(port),
        "API__WORKERS": "1",
        "API__SECRET_KEY": "test-secret-key-of-at-least-32-bytes!!",
        "API_AUTH__JWT_SECRET": "test-jwt-secret-" * 5,
        "LOGGING__WORKER_LOG_SERVER_HOST": LOOPBACK,
        "LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
        # What a killed scheduler leaves behind is found by the next one within seconds, not minutes.
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "DATABASE__SQL_ALCHEMY_CONN": urlsplit(database)._replace(scheme="postgresql+psycopg2").geturl(),
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": urlsplit(database)._replace(scheme="postgresql+asyncpg").geturl(),
    }
    named = {f"AIRFLOW__{name}": value for name, value in own.items()}
    plain = {"AIRFLOW_HOME": str(folder), "SCARF_ANALYTICS": "false", "OWN_DATABASE": database, "HOME": str(folder)}
    return {"PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", **plain, **named}


def _database() -> str:
    """The address of an empty database beside the tests' own."""
    session = psycopg2.connect(os.environ["DATABASE_URL"])
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute('DROP DATABASE IF EXISTS "airflow" WITH (FORCE)')
        cursor.execute('CREATE DATABASE "airflow"')
    session.close()
    return urlsplit(os.environ["DATABASE_URL"])._replace(path="/airflow").geturl()


@dataclass
class Liar:
    """Between the portal and Airflow: passes everything on, and says 500 to every tenth trigger that was accepted."""

    address: str = ""
    triggers: int = 0
    lies: int = 0
    lock: Lock = field(default_factory=Lock)

    def lies_about(self, method: str, path: str, status: int) -> bool:
        if method != "POST" or not path.endswith("/dagRuns") or status != 200:
            return False
        with self.lock:
            self.triggers += 1
            lie = self.triggers % 10 == 0
            self.lies += lie
        return lie


@contextmanager
def lying_proxy(port: int) -> Iterator[Liar]:
    liar = Liar()
    server = ThreadingHTTPServer((LOOPBACK, 0), _passing_on(liar, port))
    server.daemon_threads = True
    liar.address = f"http://{LOOPBACK}:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield liar
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _passing_on(liar: Liar, port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            behind = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
            try:
                behind.request(self.command, self.path, body, dict(self.headers))
                answer = behind.getresponse()
                status, said = answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                status, said = 502, b"Bad Gateway"
            finally:
                behind.close()
            if liar.lies_about(self.command, self.path, status):
                status, said = 500, b"Internal Server Error"
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None: ...

    return Handler
