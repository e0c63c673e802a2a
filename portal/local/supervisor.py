"""Starts processes, shows their output as one log, restarts the crashed, stops everything in order.

One thread and one loop: a child's parent-death signal is tied to the thread that started it, and code between
fork and exec is only safe while there is no other thread.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from portal.local.errors import CannotRun, Stopped
from portal.local.privileges import Account

TICK_SECONDS = 0.2
FOREGROUND_PATIENCE_SECONDS = 20.0
RESTART_SECONDS = (1, 2, 4, 8, 15, 30)
STEADY_SECONDS = 60
"""A process that lived this long starts over with the shortest wait after its next crash."""
REMEMBERED_LINES = 100
SHOWN_LINES = 12
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Process:
    """What to start: the name is the prefix of its lines in the log."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    account: Account | None = None
    # Sent one after the other, each with its seconds of patience; SIGKILL to the whole group follows.
    farewell: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10.0),)
    # Sent by the kernel when the supervisor itself is killed.
    orphaned: signal.Signals = signal.SIGTERM
    # A quiet one is heard only when it fails.
    quiet: bool = False
    # The others need it: it is stopped after them.
    serves_others: bool = False


@dataclass
class _Child:
    process: Process
    popen: subprocess.Popen[bytes]
    started: float
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED_LINES))
    crashes: int = 0
    restart_at: float | None = None
    rest: bytes = b""

    @property
    def output(self) -> IO[bytes]:
        assert self.popen.stdout is not None
        return self.popen.stdout


class Supervisor:
    """Use as a context: leaving it stops every process, the last started first."""

    def __init__(self, *, show: bool = True) -> None:
        self._show = show
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()
        self._asked_to_stop = 0
        self._handlers_before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers_before[number] = signal.getsignal(number)
            ignored = self._handlers_before[number] == signal.SIG_IGN
            if not (ignored and number == signal.SIGHUP):  # nohup stays nohup; Ctrl-C ends what a script started too
                signal.signal(number, self._ask_to_stop)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()
        self._selector.close()
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def say(self, sentence: str, name: str = "serve") -> None:
        """One line of the log, under the name of who says it."""
        try:
            for line in sentence.splitlines() or [""]:
                print(f"{name:<8} | {line}", flush=True)
        except OSError:  # the terminal or the pipe is gone: nobody reads on, so everything ends
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (stays open until the end)
            self._asked_to_stop += 1

    def start(self, process: Process) -> None:
        self._children.append(self._spawn(process))

    def pids(self) -> list[int]:
        return [child.popen.pid for child in self._children]

    def run(self, process: Process) -> list[str]:
        """Runs a process to its end and returns its lines, at most a hundred; CannotRun when it fails."""
        child = self._spawn(process)
        try:
            while child.popen.poll() is None:
                self._tick()
        finally:
            _end(child)
            self._drain(child)
        if child.popen.returncode != 0:
            raise CannotRun(self._explain(child, f"{process.name} failed ({_how(child.popen.returncode)})"))
        return list(child.last_lines)

    def wait_until(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Goes on when the named process is ready; CannotRun with its last lines when it ends or takes too long."""
        child = next(child for child in self._children if child.process.name == name)
        deadline = time.monotonic() + seconds
        while not ready():
            if child.popen.poll() is not None:
                self._drain(child)
                raise CannotRun(self._explain(child, f"{name} did not come up ({_how(child.popen.returncode)})"))
            if time.monotonic() > deadline:
                raise CannotRun(self._explain(child, f"{name} did not come up within {seconds:.0f} seconds"))
            self._tick()

    def watch(self) -> None:
        """Shows the log and restarts what crashes, until a person asks for the end."""
        while True:
            for child in self._children:
                self._look_after(child)
            self._tick()

    def run_in_foreground(self, argv: Sequence[str], env: Mapping[str, str]) -> int:
        """Runs a command on our own terminal to its end and returns its exit code; it hears Ctrl-C itself."""
        popen = subprocess.Popen(argv, env=env, preexec_fn=_dies_with_parent(signal.SIGTERM))
        try:
            while popen.poll() is None:
                self._tick()
        except Stopped:
            _end_politely(popen)
        return popen.returncode

    def stop_all(self) -> None:
        """Stops those that need a server all at once, then the servers; a second Ctrl-C takes away the patience."""
        self._stop([child for child in self._children if not child.process.serves_others])
        for server in reversed([child for child in self._children if child.process.serves_others]):
            self._stop([server])
        self._children.clear()

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop += 1

    def _tick(self) -> None:
        if self._asked_to_stop:
            raise Stopped
        self._pump(TICK_SECONDS)

    def _spawn(self, process: Process) -> _Child:
        popen = subprocess.Popen(
            process.argv,
            cwd=process.cwd,
            env=process.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C of the terminal reaches the supervisor only, which knows the order
            preexec_fn=_dies_with_parent(process.orphaned),
            user=process.account.uid if process.account else None,
            group=process.account.gid if process.account else None,
            extra_groups=[] if process.account else None,
        )
        child = _Child(process, popen, started=time.monotonic())
        os.set_blocking(child.output.fileno(), False)
        self._selector.register(child.output, selectors.EVENT_READ, child)
        return child

    def _look_after(self, child: _Child) -> None:
        if child.restart_at is not None:
            if time.monotonic() >= child.restart_at:
                self._restart(child)
        elif child.popen.poll() is not None:
            self._plan_restart(child)

    def _plan_restart(self, child: _Child) -> None:
        self._drain(child)
        _kill_group(child)
        lived = time.monotonic() - child.started
        child.crashes = 0 if lived > STEADY_SECONDS else child.crashes
        wait = RESTART_SECONDS[min(child.crashes, len(RESTART_SECONDS) - 1)]
        child.crashes += 1
        child.restart_at = time.monotonic() + wait
        what = f"{child.process.name} ended ({_how(child.popen.returncode)}) and is started again in {wait} s"
        self.say(self._explain(child, what))

    def _restart(self, child: _Child) -> None:
        fresh = self._spawn(child.process)
        fresh.crashes = child.crashes
        self._children[self._children.index(child)] = fresh
        self.say(f"{child.process.name} is started again.")

    def _stop(self, children: Sequence[_Child]) -> None:
        for step in range(max((len(child.process.farewell) for child in children), default=0)):
            still = [child for child in children if child.popen.poll() is None and step < len(child.process.farewell)]
            for child in still:
                child.popen.send_signal(child.process.farewell[step][0])
            self._wait_for(still, max((child.process.farewell[step][1] for child in still), default=0))
        for child in children:
            _end(child)
            self._drain(child)

    def _wait_for(self, children: Sequence[_Child], seconds: float) -> None:
        asked, deadline = max(self._asked_to_stop, 1), time.monotonic() + seconds
        while time.monotonic() < deadline and self._asked_to_stop <= asked:
            if all(child.popen.poll() is not None for child in children):
                return
            self._pump(0.05)

    def _pump(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
        for key, _ in self._selector.select(seconds):
            self._read(key.data)

    def _read(self, child: _Child) -> bool:
        try:
            data = os.read(child.output.fileno(), 65_536)
        except BlockingIOError:
            return False
        *lines, child.rest = (child.rest + data).split(b"\n")
        if not data and child.rest:
            lines, child.rest = [*lines, child.rest], b""
        self._log(child, lines)
        if not data:
            self._selector.unregister(child.output)
            child.output.close()
        return bool(data)

    def _log(self, child: _Child, lines: list[bytes]) -> None:
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            if text:
                child.last_lines.append(text)
            if text and self._shows(child):
                self.say(text, child.process.name)

    def _explain(self, child: _Child, what: str) -> str:
        """What happened, with the last lines of a process whose lines nobody has seen yet."""
        lines = list(child.last_lines)[-SHOWN_LINES:]
        if not lines:
            return f"{what} without a word."
        if self._shows(child):
            return f"{what}; its last lines are above."
        return "\n    ".join([f"{what}. Its last lines:", *lines])

    def _shows(self, child: _Child) -> bool:
        return self._show and not child.process.quiet

    def _drain(self, child: _Child) -> None:
        """Takes what a process left in its pipe, without waiting for a grandchild that still holds the other end."""
        while not child.output.closed and self._read(child):
            pass
        if not child.output.closed:
            self._selector.unregister(child.output)
            child.output.close()


def _dies_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    parent = os.getpid()

    def arrange() -> None:
        if number != signal.SIGKILL:  # a shell's background jobs ignore SIGQUIT, and hand that down
            signal.signal(number, signal.SIG_DFL)
        _libc.prctl(PR_SET_PDEATHSIG, number.value)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    return arrange


def _end_politely(popen: subprocess.Popen[bytes]) -> None:
    popen.terminate()
    try:
        popen.wait(FOREGROUND_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()


def _end(child: _Child) -> None:
    _kill_group(child)
    child.popen.wait()


def _kill_group(child: _Child) -> None:
    """Ends what a process left behind in its group, itself included."""
    with suppress(ProcessLookupError):
        os.killpg(child.popen.pid, signal.SIGKILL)


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
