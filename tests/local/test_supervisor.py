import os
import signal
import sys
from pathlib import Path

import pytest

from portal.local.errors import CannotRun, Stopped
from portal.local.supervisor import Process, Supervisor
from tests.local.conftest import is_alive, wait_until

STUBBORN = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path("up").touch()
time.sleep(600)
"""
WITH_CHILD = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("pid").write_text(str(child.pid))
time.sleep(600)
"""


def python(name: str, program: str, tmp_path: Path, patience: float = 5.0) -> Process:
    return Process(
        name=name,
        argv=[sys.executable, "-c", program],
        env=dict(os.environ),
        cwd=tmp_path,
        farewell=((signal.SIGTERM, patience),),
    )


def test_every_line_of_the_log_says_whose_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor() as supervisor:
        supervisor.run(python("one", "print('first\\n\\nsecond', end='')", tmp_path))
    assert capfd.readouterr().out == "one      | first\none      | second\n"


def test_what_is_not_text_does_no_harm_to_the_log(tmp_path: Path) -> None:
    with Supervisor(show=False) as supervisor:
        said = supervisor.run(python("one", "import os; os.write(1, b'caf\\xe9\\n')", tmp_path))
    assert said == ["caf\N{REPLACEMENT CHARACTER}"]


def test_a_command_that_fails_is_told_with_its_last_lines(tmp_path: Path) -> None:
    with Supervisor(show=False) as supervisor, pytest.raises(CannotRun) as refusal:
        supervisor.run(python("tables", "print('no such column'); raise SystemExit(3)", tmp_path))
    assert str(refusal.value) == "tables failed (exit code 3). Its last lines:\n    no such column"


def test_a_process_that_does_not_come_up_is_told_with_its_last_lines(tmp_path: Path) -> None:
    with Supervisor(show=False) as supervisor:
        supervisor.start(python("db", "print('port taken'); raise SystemExit(1)", tmp_path))
        with pytest.raises(CannotRun, match=r"(?s)db did not come up .*port taken"):
            supervisor.wait_until("db", lambda: False, 30)


def test_a_process_that_comes_up_too_slowly_is_given_up(tmp_path: Path) -> None:
    with Supervisor(show=False) as supervisor:
        supervisor.start(python("db", "import time; time.sleep(600)", tmp_path))
        with pytest.raises(CannotRun, match="db did not come up within 0 seconds"):
            supervisor.wait_until("db", lambda: False, 0.3)


def test_who_does_not_listen_to_the_farewell_is_killed(tmp_path: Path) -> None:
    with Supervisor(show=False) as supervisor:
        supervisor.start(python("stubborn", STUBBORN, tmp_path, patience=0.3))
        wait_until((tmp_path / "up").exists)
        (child,) = supervisor.pids()
    assert not is_alive(child)


def test_children_of_a_stopped_process_are_ended_too(tmp_path: Path) -> None:
    output = tmp_path / "pid"
    with Supervisor(show=False) as supervisor:
        supervisor.start(python("parent", WITH_CHILD, tmp_path))
        wait_until(lambda: output.exists() and output.read_text())
        grandchild = int(output.read_text())
        assert is_alive(grandchild)
    wait_until(lambda: not is_alive(grandchild))


def test_servers_are_stopped_after_those_who_need_them(tmp_path: Path) -> None:
    order = tmp_path / "order"
    with Supervisor(show=False) as supervisor:
        for name, serves in (("server", True), ("first", False), ("second", False)):
            supervisor.start(_that_signs_off(name, order, tmp_path, serves_others=serves))
            wait_until((tmp_path / name).exists)
    assert order.read_text().split()[-1] == "server"
    assert set(order.read_text().split()) == {"first", "second", "server"}


def _that_signs_off(name: str, order: Path, tmp_path: Path, *, serves_others: bool) -> Process:
    program = f"""
import signal, sys, time
def leave(*_):
    with open({str(order)!r}, "a") as file: file.write({name!r} + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
open({str(tmp_path / name)!r}, "w").close()
time.sleep(600)
"""
    return Process(
        name=name,
        argv=[sys.executable, "-c", program],
        env=dict(os.environ),
        cwd=tmp_path,
        serves_others=serves_others,
    )


def test_a_signal_ends_the_watch_and_the_old_handlers_come_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Supervisor(show=False) as supervisor:
        supervisor.start(python("idle", "import time; time.sleep(600)", tmp_path))
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            supervisor.watch()
    assert signal.getsignal(signal.SIGTERM) == before
