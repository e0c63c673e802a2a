import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from portal.local import leftovers, services, valkey
from portal.local.ports import LOOPBACK, free_port
from portal.local.serve import REPOSITORY, trainings_at_once
from tests.local.conftest import Program, data_folder, database_folder, is_alive, wait_until

Start = Callable[..., Program]


@dataclass(frozen=True)
class Served:
    """A portal that runs, without the demo company."""

    program: Program
    var_dir: Path
    port: int

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def processes(self) -> list[int]:
        found = services.left_behind(self.var_dir)
        portal = leftovers.marked(found.mark) if found else []
        brokers = leftovers.working_in(valkey.folder(self.var_dir))
        return portal + brokers + leftovers.working_in(database_folder(self.var_dir))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """For tests that leave it as they found it."""
    with _serving(tmp_path_factory.mktemp("log") / "served") as served:
        yield served


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[Served]:
    """For tests that end it."""
    with _serving(tmp_path / "doomed") as served:
        yield served


@contextmanager
def _serving(log: Path) -> Iterator[Served]:
    with data_folder() as var_dir:
        environment = {"PORT": str(free_port()), "VAR_DIR": str(var_dir), "DEMO": "0"}
        program = Program([sys.executable, "-m", "portal.local.serve"], log, **environment)
        try:
            program.wait_for("The portal is at")
            yield Served(program, var_dir, int(environment["PORT"]))
        finally:
            program.interrupt()


def test_the_whole_portal_starts_answers_and_ends_without_a_trace(doomed: Served) -> None:
    with urllib.request.urlopen(f"{doomed.address}/healthz") as answer:
        assert answer.status == 200
    everything = doomed.processes()
    assert len(everything) > 8
    assert doomed.program.interrupt() == 0
    assert not any(map(is_alive, everything))
    assert json.loads((doomed.var_dir / "services.json").read_text())["running"] is None
    assert "Traceback" not in doomed.program.output


def test_manage_py_works_beside_it_with_no_environment(served: Served) -> None:
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(served.var_dir)}
    command = [sys.executable, "manage.py", "migrate", "--check"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_second_one_in_the_same_folder_says_where_the_first_is(served: Served, start: Start) -> None:
    second = start("portal.local.serve", PORT=str(free_port()), VAR_DIR=str(served.var_dir))
    assert second.ends() == 1
    assert f"The portal is running already, at {served.address}" in second.output


@pytest.mark.parametrize(("cores", "trainings"), [(None, 1), (1, 1), (2, 1), (3, 2), (64, 2)])
def test_a_core_is_left_to_the_pages(monkeypatch: pytest.MonkeyPatch, cores: int | None, trainings: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert trainings_at_once() == trainings


def test_a_crashed_process_is_started_again(served: Served) -> None:
    before = children(served)
    worker = next(pid for pid in before if b"control@" in command_line(pid))
    os.kill(worker, signal.SIGKILL)
    served.program.wait_for("control ended (killed by SIGKILL) and is started again in 1 s")
    wait_until(lambda: any(b"control@" in command_line(pid) for pid in children(served) if pid not in before))


def children(served: Served) -> list[int]:
    parent = served.program.popen.pid
    listed = Path("/proc", str(parent), "task", str(parent), "children").read_text()
    return [int(pid) for pid in listed.split()]


def command_line(pid: int) -> bytes:
    return Path("/proc", str(pid), "cmdline").read_bytes()


def test_a_taken_port_is_a_sentence_that_names_its_holder(start: Start, var_dir: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        program = start("portal.local.serve", PORT=str(port), VAR_DIR=str(var_dir))
        assert program.ends() == 1
    who = f"{Path('/proc/self/comm').read_text().strip()} (process {os.getpid()})"
    expected = f"Port {port} is taken by {who}. Stop it, or choose another: make serve PORT={port + 1}"
    assert program.output.strip() == expected


@pytest.mark.parametrize("port", ["eighty", "0", "70000"])
def test_a_port_that_is_none_is_a_sentence(start: Start, var_dir: Path, port: str) -> None:
    program = start("portal.local.serve", PORT=port, VAR_DIR=str(var_dir))
    assert program.ends() == 1
    assert program.output.strip().startswith("PORT must be a number from 1 to 65535")


def test_a_data_folder_that_is_a_file_is_a_sentence(start: Start, var_dir: Path) -> None:
    (var_dir / "file").touch()
    program = start("portal.local.serve", PORT=str(free_port()), VAR_DIR=str(var_dir / "file"))
    assert program.ends() == 1
    assert "cannot be used (File exists). Run as its owner, or choose another folder" in program.output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_data_folder_of_somebody_else_is_a_sentence(start: Start, var_dir: Path) -> None:
    theirs = var_dir / "theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, -1)
    program = start("portal.local.serve", PORT=str(free_port()), VAR_DIR=str(theirs))
    assert program.ends() == 1
    assert f"{theirs} belongs to nobody, and you are root. Run as its owner" in program.output


def test_a_database_that_is_not_there_is_a_sentence(start: Start, var_dir: Path) -> None:
    away = {"DATABASE_URL": f"postgres://me@{LOOPBACK}:{free_port()}/none", "REDIS_URL": f"redis://{LOOPBACK}:1/0"}
    program = start("portal.local.serve", PORT=str(free_port()), VAR_DIR=str(var_dir), **away)
    assert program.ends() == 1
    assert "DATABASE_URL" in program.output
    assert "Traceback" not in program.output
    assert not (var_dir / "postgres").exists()
