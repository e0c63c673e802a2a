"""A real Airflow on the tests' PostgreSQL, its processes one by one."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2  # type: ignore[import-untyped]

from portal.local.ports import LOOPBACK, free_port
from tests.airflow.releases import Release

PATIENCE = 900.0
"""Seconds that anything here may take: so long is only waited for on a machine that is busy with other things."""


@dataclass
class AirflowServer:
    """A few processes, each of which can be ended and started again."""

    release: Release
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
                [str(self.release.program), name],
                cwd=self.folder,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def run(self, *words: str) -> None:
        """One of its commands, to the end."""
        done = subprocess.run(
            [str(self.release.program), *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4_000:]

    def kill(self, name: str) -> None:
        """kill -9 of it and of all that it started."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Asks them all to end, and ends what is left of each."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def is_healthy(self) -> bool:
        try:
            connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
            connection.request("GET", self.release.health)
            said = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return all(said.get(name, {}).get("status") == "healthy" for name in self.release.needed)

    def wait_for(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
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

    def has_read_its_dags(self) -> bool:
        files = list((self.folder / "dags").glob("*.py"))
        assert not (broken := self._ask("SELECT stacktrace FROM import_error")), broken
        return self._ask("SELECT count(DISTINCT dag_id) FROM serialized_dag") == [(len(files),)]

    def _ask(self, question: str) -> list[Any]:
        session = psycopg2.connect(self.env["OWN_DATABASE"])
        try:
            with session.cursor() as cursor:
                cursor.execute(question)
                return list(cursor.fetchall())
        finally:
            session.close()


@contextmanager
def real_airflow(release: Release, folder: Path, trips: Path) -> Iterator[AirflowServer]:
    """One that is up, has read its DAGs and lets two accounts in."""
    assert release.program.exists(), f"Its environment is not there: run `make {release.target}`, which makes it"
    release.write_dags(folder / "dags")
    port, database = free_port(), _database(release.name)
    server = AirflowServer(release, folder, port, _environment(release, folder, port, database, trips))
    try:
        server.run("db", "migrate")
        release.let_in(folder, server.run)
        for name in release.processes:
            server.start(name)
        server.wait_for(server.is_healthy)
        server.wait_for(server.has_read_its_dags)
        yield server
    finally:
        server.stop()


def _environment(release: Release, folder: Path, port: int, database: str, trips: Path) -> dict[str, str]:
    named = {f"AIRFLOW__{name}": value for name, value in release.environment(folder, port, database).items()}
    plain = {"AIRFLOW_HOME": str(folder), "SCARF_ANALYTICS": "false", "OWN_DATABASE": database, "HOME": str(folder)}
    path = f"{release.program.parent}:{os.environ['PATH']}"
    return {"PATH": path, "TRIPS_FOLDER": str(trips), **plain, **named}


def _database(name: str) -> str:
    """The address of an empty database beside the tests' own."""
    session = psycopg2.connect(os.environ["DATABASE_URL"])
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    session.close()
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
