"""The real background processes of a portal, started, harmed and counted by tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from portal.local import processes, valkey
from portal.local.ports import LOOPBACK, free_port
from portal.local.services import Keys

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0  # seconds that anything may take on a busy machine


class Portal:
    """Workers and beat against the test's database, and a Valkey of their own, so that nobody else's is emptied."""

    def __init__(self, folder: Path, pipelines: Path, data: Path) -> None:
        self.folder, self.keys, self.port = folder, Keys(), free_port()
        self.web_port = free_port()
        self.redis_url = valkey.url(port=self.port, keys=self.keys)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": _database_url(),
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": "only-for-this-test-" * 3,
            "ENCRYPTION_KEYS": "b25seS1mb3ItdGhpcy10ZXN0LW5vLXNlY3JldC1hdCE=",
            "PORTAL_LOCAL": "1",
            "VAR_DIR": str(folder),
            "PIPELINES_DIR": str(pipelines),
            "PIPELINES_DATA": str(data),
            "RETRAINING_LEASE_SECONDS": "4",  # so that a test does not wait for a quarter of a minute
            "RETRAINING_RESEND_SECONDS": "4",
            "IDLE_TRANSACTION_TIMEOUT_MS": "4000",
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: list[subprocess.Popen[bytes]] = []
        self._lost_its_broker = False

    def start(self, *names: str) -> None:
        """Some of valkey, web, control, work, work2, outgoing, beat; valkey and what retrains when none is named."""
        for name in names or ("valkey", "control", "work", "beat"):
            self._running[name] = self._spawn(name, self._argv(name))
            if name == "valkey":
                self.wait_for(lambda: valkey.is_ready(port=self.port, keys=self.keys))

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.web_port}"

    def run(self, command: Sequence[str]) -> None:
        """One of `manage.py`'s commands, to its end, in this portal's environment."""
        argv = [sys.executable, str(ROOT / command[1]), *command[2:]]
        with (self.folder / "commands.log").open("ab") as log:
            subprocess.run(argv, cwd=self.folder, env=self.env, stdout=log, stderr=log, check=True)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def pool(self, name: str) -> list[int]:
        """The processes in which the worker's tasks run."""
        return [pid for pid, parent in _parents().items() if parent == self.pid(name) and _is_celery(pid)]

    def kill(self, name: str) -> None:
        """kill -9 of the main process, found by its pid; what it leaves behind may go on for a moment."""
        os.kill(self.pid(name), signal.SIGKILL)
        self._running.pop(name).wait()
        self._lost_its_broker |= name == "valkey"

    def ask_to_stop(self, name: str) -> None:
        """SIGTERM, as a deploy sends it; returns when the worker is gone."""
        os.kill(self.pid(name), signal.SIGTERM)
        assert self._running.pop(name).wait(PATIENCE) == 0

    def stop(self) -> None:
        """Ends everything that was started, with everything that it started."""
        for process in self._started:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for process in self._started:
            process.wait()

    def wait_for(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Fails, with the end of every log, when it takes too long or one of the processes has ended by itself."""
        deadline = time.monotonic() + seconds
        while not condition():
            self._look_at_what_ended()
            assert time.monotonic() < deadline, f"This took longer than {seconds} seconds.\n{self.said()}"
            time.sleep(0.05)

    def _look_at_what_ended(self) -> None:
        """A worker whose broker vanishes at an unlucky moment ends with an error (celery/kombu#582); the compose file
        and `make serve` start it again, and so is done here.
        """
        ended = [name for name, process in self._running.items() if process.poll() is not None]
        assert not ended or self._lost_its_broker, f"{ended} ended.\n{self.said()}"
        for name in ended:
            self.start(name)

    def said(self) -> str:
        """The end of every log, for the message of a failing test."""
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3_000:]}" for log in sorted(self.folder.glob("*.log")))

    def logs(self) -> str:
        """All that any of its processes has logged."""
        return "\n".join(log.read_text("utf-8", "replace") for log in sorted(self.folder.glob("*.log")))

    def _argv(self, name: str) -> list[str]:
        if name == "valkey":
            valkey.prepare(self.folder, port=self.port, keys=self.keys, throwaway=True)
            return list(valkey.process(self.folder).argv)
        if name.startswith("beat"):
            return _by_this_python(processes.beat())
        if name == "web":
            command = processes.web(host=LOOPBACK, port=self.web_port)
            return [str(Path(sys.executable).with_name(command[0])), *command[1:]]
        queue = name.rstrip("0123456789")
        if queue == "outgoing":
            return _by_this_python(processes.background()[queue])
        command = processes.worker(queue=queue, concurrency=2 if queue == "work" else 1)
        return [part.replace(f"{queue}@%h", f"{name}@%h") for part in _by_this_python(command)]

    def _spawn(self, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
        cwd = valkey.folder(self.folder) if name == "valkey" else self.folder
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(argv, cwd=cwd, env=self.env, stdout=log, stderr=log, start_new_session=True)
        self._started.append(process)
        return process


def _by_this_python(command: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", *command]


def _database_url() -> str:
    at = connection.settings_dict
    return (
        f"postgres://{quote(at['USER'], safe='')}:{quote(at['PASSWORD'], safe='')}"
        f"@{quote(at['HOST'], safe='')}:{at['PORT']}/{at['NAME']}"
    )


def descendants(pid: int) -> list[int]:
    """Its children, their children, and so on."""
    children = [child for child, parent in _parents().items() if parent == pid]
    return [*children, *(below for child in children for below in descendants(child))]


def _parents() -> dict[int, int]:
    return dict(_each_process())


def _each_process() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:  # it ended while we looked
            continue
        yield int(folder.name), int(stat.rpartition(")")[2].split()[1])


def _is_celery(pid: int) -> bool:
    try:
        return b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
