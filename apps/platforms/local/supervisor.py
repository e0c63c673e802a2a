"""The process between the warm parent and one script: it watches the limits and leaves nothing behind.

There is one per run, because a request holds the run's tokens: the warm parent, which every later run is a copy
of, never reads it.
"""

import contextlib
import os
import select
import signal
import socket
import time
from pathlib import Path

from apps.platforms.local import processes
from apps.platforms.local.confinement import enter
from apps.platforms.local.log import Log
from apps.platforms.local.scratch import size
from apps.platforms.local.wire import Message, receive, send

TICK = 0.1  # seconds between two looks at memory; a process can take some 200 MB in that time
SIZING = 10  # ticks between two looks at the size of what is written
GRACE = 2.0  # seconds between SIGTERM and SIGKILL, to write a last line
MB = 1 << 20


def supervise(sock: socket.socket) -> None:
    """Read one request from the portal, run its script to the end and report; forks the child."""
    request = receive(sock)
    if request is None or "script" not in request:  # an "ask" or a "stop" that crossed with the last report
        return
    processes.become_subreaper()
    wake = _wake_when_a_child_ends()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        enter(request, writer)
    os.close(writer)
    Supervisor(sock, request, child, reader, wake).run()


def _wake_when_a_child_ends() -> int:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


class Supervisor:
    def __init__(self, sock: socket.socket, request: Message, child: int, output: int, wake: int) -> None:
        self.sock, self.request, self.child, self.output, self.wake = sock, request, child, output, wake
        self.log = Log(request["log_bytes"])
        self.began = time.monotonic()
        self.status: int | None = None  # as os.waitstatus_to_exitcode gives it
        self.cause = self.reason = ""  # why we ended it; empty when it ended by itself
        self.portal_gone = False
        self._ticks = 0
        self._next_tick = self.began
        self._poll = select.poll()
        for descriptor in (sock.fileno(), output, wake):
            self._poll.register(descriptor, select.POLLIN)

    def run(self) -> None:
        with contextlib.suppress(OSError):
            send(self.sock, {"pid": self.child})
        while self.status is None and not self.cause:
            self._attend(self._next_tick - time.monotonic())
            self._tick()
        seconds = time.monotonic() - self.began
        self._end()
        if not self.portal_gone:
            self._report(seconds)

    def _attend(self, seconds: float) -> None:
        """Wait for something to happen, at most so long, and deal with it."""
        for descriptor, _ in self._poll.poll(max(seconds, 0) * 1000):
            if descriptor == self.output:
                self._read_output()
            elif descriptor == self.wake:
                self._reap()
            else:
                self._listen()

    def _read_output(self) -> None:
        chunk = os.read(self.output, 1 << 20)
        if chunk:
            self.log.add(chunk)
        else:
            self._poll.unregister(self.output)  # closed by the script; it may go on without

    def _reap(self) -> None:
        os.read(self.wake, 4096)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.child:
                    self.status = os.waitstatus_to_exitcode(ended[1])

    def _listen(self) -> None:
        message = receive(self.sock)
        if message is None:
            self.portal_gone = True
            self._poll.unregister(self.sock.fileno())
            self._stop("lost", "")
        elif "stop" in message:
            self._stop(message["stop"], "")
        else:
            news = {"news": self.log.news(), "fraction": self.log.fraction, "message": self.log.message}
            with contextlib.suppress(OSError):
                send(self.sock, news)

    def _tick(self) -> None:
        if time.monotonic() < self._next_tick or self.status is not None:
            return
        self._ticks += 1
        self._check_time()
        self._check_processes()
        if self._ticks % SIZING == 0:
            self._check_size()
        self._next_tick = time.monotonic() + TICK

    def _check_time(self) -> None:
        limit = self.request["seconds"]
        if time.monotonic() - self.began > limit:
            self._stop("timeout", f"It ran longer than its limit of {_duration(limit)}.")

    def _check_processes(self) -> None:
        below = processes.descendants(os.getpid())
        limit = self.request["memory_mb"]
        if len(below) > processes.AT_MOST:
            self._stop("memory", f"It started more than {processes.AT_MOST} processes.")
        elif processes.memory(below, limit * MB) > limit * MB:
            self._stop("memory", f"It used more than its limit of {limit:,} MB of memory.")

    def _check_size(self) -> None:
        limit = self.request["output_bytes"]
        if size(Path(self.request["out"])) + size(Path(self.request["home"])) > limit:
            self._stop("output", f"It wrote more than its limit of {limit / MB:,.1f} MB of files.")

    def _stop(self, cause: str, reason: str) -> None:
        if not self.cause:
            self.cause, self.reason = cause, reason

    def _end(self) -> None:
        """No process of the run is left after this, and everything it printed is read."""
        if self.cause in ("cancelled", "timeout") and self.status is None:
            self._ask_to_end()
        processes.end_all(uid=self.request["uid"])
        os.set_blocking(self.output, False)
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self.output, 1 << 20):
                self.log.add(chunk)

    def _ask_to_end(self) -> None:
        until = time.monotonic() + GRACE
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child, signal.SIGTERM)
        while self.status is None and not self.portal_gone and (left := until - time.monotonic()) > 0:
            self._attend(left)

    def _report(self, seconds: float) -> None:
        report = {"ended": True, "cause": self.cause, "reason": self.reason, "status": self.status}
        with contextlib.suppress(OSError):
            send(self.sock, {**report, "seconds": seconds, "log": self.log.tail()})


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"
