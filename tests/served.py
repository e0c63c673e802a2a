"""A real web process on the test's database, for what only a process can show: clients, streams, memory."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from portal.local import processes
from portal.local.ports import LOOPBACK, free_port

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Web:
    """Where it listens, its process, and its data folder."""

    address: str
    pid: int
    folder: Path


@contextmanager
def web_process(folder: Path, **settings: str) -> Iterator[Web]:
    """As `make serve` starts it; its own log goes to the test's output."""
    port = int(settings.pop("PORT", "0")) or free_port()
    program = Path(sys.executable).with_name("granian")
    argv = [str(program), *processes.web(host=LOOPBACK, port=port)[1:]]
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url(),
        "REDIS_URL": os.environ["REDIS_URL"],
        "ENCRYPTION_KEYS": os.environ["ENCRYPTION_KEYS"],
        "SECRET_KEY": "only-for-this-test-" * 3,
        "PORTAL_LOCAL": "1",
        "VAR_DIR": str(folder),
        **settings,
    }
    started = subprocess.Popen(argv, cwd=ROOT, env=env)
    try:
        web = Web(f"http://{LOOPBACK}:{port}", started.pid, folder)
        _wait_until_healthy(web, started)
        yield web
    finally:
        started.terminate()
        started.wait(PATIENCE_SECONDS)


def database_url() -> str:
    """The test's own database, as a process finds it."""
    found = connection.settings_dict
    user, password = quote(found["USER"], safe=""), quote(found["PASSWORD"], safe="")
    where = f"{found['HOST']}:{found['PORT']}" if found["PORT"] else found["HOST"]
    return f"postgres://{user}:{password}@{where}/{found['NAME']}"


def _wait_until_healthy(web: Web, started: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_healthy(web):
        assert started.poll() is None, f"the web process ended with {started.returncode}"
        assert time.monotonic() < deadline, "the web process does not answer"
        time.sleep(0.05)


def _is_healthy(web: Web) -> bool:
    try:
        with urllib.request.urlopen(f"{web.address}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
