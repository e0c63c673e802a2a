"""A whole portal as `make serve` starts it, with the demo company, and people who use its API over HTTP."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped]

from portal.local import services
from portal.local.ports import LOOPBACK, free_port
from portal.local.serve import REPOSITORY
from tests.local.conftest import Program, data_folder

PATIENCE_SECONDS = 600.0
"""The demo company is there within one or two minutes; a machine that is busy with other things needs longer."""


@dataclass(frozen=True)
class Refusal:
    """An answer that says no: its status, and what it said."""

    status: int
    body: dict[str, Any]

    @property
    def sentence(self) -> str:
        return str(self.body["message"])


@dataclass(frozen=True)
class Person:
    """Somebody of the demo company with an API token of their own."""

    api: str
    token: str

    def get(self, path: str) -> Any:
        return self._accepted("GET", path)

    def post(self, path: str, body: object = None) -> Any:
        return self._accepted("POST", path, body)

    def all(self, path: str) -> list[Any]:
        """Every row of a list, page after page."""
        page = self.get(f"{path}{'&' if '?' in path else '?'}page_size=50")
        rows, expected = page["results"], page["count"]
        while page["next"]:
            page = self._accepted("GET", page["next"].removeprefix(self.api))
            rows += page["results"]
        assert len(rows) == expected
        return rows

    def refused(self, path: str, body: object) -> Refusal:
        """What the portal says to a POST that it must not take."""
        status, answer = self._call("POST", path, body)
        assert 400 <= status < 500, (path, status, answer)
        return Refusal(status, answer)

    def _accepted(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self._call(method, path, body)
        assert 200 <= status < 300, (method, path, status, answer)
        return answer

    def _call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.api + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            return answer.code, json.load(answer)


@dataclass(frozen=True)
class ServedPortal:
    """What runs: where it listens, where its files are, what it has said."""

    program: Program
    var_dir: Path
    port: int

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def person(self, username: str, *scopes: str) -> Person:
        """That demo person with a new token: of these scopes, or of all."""
        wanted = [word for scope in scopes for word in ("--scope", scope)]
        return Person(f"{self.address}/api/v1/", self.manage("create_token", username, *wanted).strip())

    def manage(self, *command: str) -> str:
        """What `manage.py` prints beside the running portal, with no more of an environment than a shell's."""
        env = {"PATH": os.environ["PATH"], "VAR_DIR": str(self.var_dir)}
        argv = [sys.executable, "manage.py", *command]
        done = subprocess.run(argv, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def select(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the portal's own database, for what no door shows."""
        running = services.load(self.var_dir)
        assert running is not None
        with psycopg2.connect(running.database_url) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    def wait_for(self, met: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not met():
            assert time.monotonic() < deadline, f"Not within {PATIENCE_SECONDS} seconds.\n{self.program.output}"
            time.sleep(0.2)


@contextmanager
def serving(log: Path) -> Iterator[ServedPortal]:
    """Servers, processes and demo company in a folder of their own; all of it is gone afterwards."""
    with data_folder() as var_dir:
        port = free_port()
        program = Program(
            [sys.executable, "-m", "portal.local.serve"], log, PORT=str(port), VAR_DIR=str(var_dir), DEMO="1"
        )
        try:
            portal = ServedPortal(program, var_dir, port)
            portal.wait_for(lambda: "The portal is at" in program.output or program.popen.poll() is not None)
            assert program.popen.poll() is None, program.output
            yield portal
        finally:
            program.interrupt()
