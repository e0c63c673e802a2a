"""`make serve`: the servers, the database's tables, the demo company once, then every process of the portal."""

from __future__ import annotations

import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from portal.local import data_folder, processes, servers, static_files
from portal.local.errors import CannotRun, Stopped, said_plainly
from portal.local.ports import LOOPBACK, holder, is_free
from portal.local.services import Services
from portal.local.supervisor import Process, Supervisor

REPOSITORY = Path(__file__).resolve().parent.parent.parent
WEB_COMES_UP_SECONDS = 60.0
LOCALLY = {
    "PORTAL_LOCAL": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore:You're running the worker with superuser",  # root in a container is no surprise
}

# SIGTERM lets a task end; SIGQUIT drops it, and its lease brings it back at the next start.
WORKER_FAREWELL = ((signal.SIGTERM, 8.0), (signal.SIGQUIT, 5.0))


@dataclass(frozen=True)
class Order:
    """What a person asked for on the command line of `make serve`."""

    port: int
    var_dir: Path
    demo: bool = True

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


def main() -> None:
    with said_plainly():
        order = read_order()
        with data_folder.taken(order.var_dir):
            _require_port(order.port)
            _serve(order)


def read_order() -> Order:
    """From PORT, VAR_DIR and DEMO of the environment."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise CannotRun(f"PORT must be a number from 1 to 65535, and it is {text!r}: make serve PORT=8000")
    var_dir = Path(os.environ.get("VAR_DIR") or REPOSITORY / "var").resolve()
    return Order(int(text), var_dir, demo=os.environ.get("DEMO", "1") != "0")


def _serve(order: Order) -> None:
    wanted = servers.Wanted(
        var_dir=order.var_dir,
        database_url=os.environ.get("DATABASE_URL", ""),
        redis_url=os.environ.get("REDIS_URL", ""),
    )
    with Supervisor() as supervisor:
        try:
            with servers.running(wanted, supervisor) as found:
                _Portal(order, found, supervisor).run()
        except Stopped:
            supervisor.say("Stopped.")


class _Portal:
    """The portal's processes beside two running servers."""

    def __init__(self, order: Order, found: Services, supervisor: Supervisor) -> None:
        self._order, self._found, self._supervisor = order, found, supervisor
        self._env = servers.environment(found, order.var_dir, {**os.environ, **LOCALLY})
        self._env["PORTAL_DEMO"] = "1" if order.demo else "0"
        self._env.setdefault("PORTAL_URL", order.address)

    def run(self) -> None:
        try:
            self._prepare()
            self._start()
            self._welcome()
            self._supervisor.watch()
        except Stopped:
            self._supervisor.say("Stopping; Ctrl-C again hurries.")
            raise

    def _prepare(self) -> None:
        self._run("database", "Preparing the database.", processes.MIGRATE)
        collected = self._order.var_dir / "static"
        if not static_files.is_current(REPOSITORY, collected):
            self._run("static", "Collecting static files.", processes.COLLECT_STATIC)
            static_files.mark_current(REPOSITORY, collected)
        if self._order.demo:
            looking = "Looking after the demo company (the first time takes a minute or two)."
            self._run("demo", looking, processes.SEED_DEMO)

    def _start(self) -> None:
        web = processes.web(host=LOOPBACK, port=self._order.port)
        self._supervisor.start(self._process("web", web))
        for name, argv in processes.background(trainings=trainings_at_once()).items():
            # A pool of threads can not be told to drop what it does: SIGQUIT would wait for a broker that is gone.
            orphaned = signal.SIGKILL if "threads" in argv else signal.SIGQUIT
            worker = replace(self._process(name, argv), farewell=WORKER_FAREWELL, orphaned=orphaned)
            self._supervisor.start(worker)
        self._supervisor.wait_until("web", self._answers, WEB_COMES_UP_SECONDS)
        servers.announce(self._order.var_dir, replace(self._found, address=self._order.address))

    def _welcome(self) -> None:
        if self._order.demo:
            self._supervisor.run(self._process("logins", processes.DEMO_LOGINS))
        else:
            command = f"VAR_DIR={self._order.var_dir} {sys.executable} manage.py create_admin NAME"
            self._supervisor.say(f"The first platform admin is made, once, by: {command}")
        self._supervisor.say(f"The portal is at {self._order.address}; Ctrl-C stops it.")

    def _run(self, name: str, sentence: str, argv: Sequence[str]) -> None:
        self._supervisor.say(sentence)
        self._supervisor.run(self._process(name, argv))

    def _process(self, name: str, argv: Sequence[str]) -> Process:
        program = Path(sys.executable).with_name(argv[0])
        return Process(name=name, argv=[str(program), *argv[1:]], env=self._env, cwd=REPOSITORY)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._order.address}/healthz", timeout=5) as answer:  # noqa: S310
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


def trainings_at_once() -> int:
    """As many as leave a core to the people who wait for a page."""
    return max(1, min(processes.TRAININGS_AT_ONCE, (os.cpu_count() or 1) - 1))


def _require_port(port: int) -> None:
    if port < 1024 and os.geteuid() != 0:
        raise CannotRun(f"Only root may listen on port {port}. Choose a higher one: make serve PORT=8000")
    if not is_free(port):
        who = holder(port)
        raise CannotRun(f"Port {port} is taken by {who}. Stop it, or choose another: make serve PORT={port + 1}")


if __name__ == "__main__":
    main()
