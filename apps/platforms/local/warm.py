"""The portal's end of a warm parent."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from apps.platforms.base import Continue, Progress
from apps.platforms.local import processes
from apps.platforms.local.wire import Message, receive, send, waiting

ROOT = Path(__file__).parents[3]  # the folder that holds the package `apps`
BOOT = """
import sys
sys.path.insert(0, sys.argv[1])
from apps.platforms.local.warm_parent import main
del sys.path[0]
main(int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
"""
START = 120.0  # seconds an import may take on a cold disk
PATIENCE = 30.0  # seconds for an answer that takes milliseconds, unless the machine is swapping
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""Where a company's own certificate authority is named: training code must be able to call the portal behind it."""
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", *AUTHORITIES)
# One run, one core: the libraries' own threads would fight over it, and would not survive the fork.
SINGLE = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)


class Unstartable(Exception):
    """The libraries cannot be loaded; the message is a sentence for a person."""


def base_environment() -> dict[str, str]:
    """The only part of the portal's environment that training code sees."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", **kept, **SINGLE}


class WarmParent:
    """Starts the process and waits until it is warm; raises Unstartable. Serves one run at a time."""

    def __init__(self, preload: tuple[str, ...], python: str, idle: float) -> None:
        self.preload, self.idle = preload, idle
        self.sock, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [python, "-I", "-c", BOOT, str(ROOT), str(theirs.fileno()), str(idle), *preload],
                env=base_environment(), cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
        ready = receive(self.sock) if waiting(self.sock, START) else None
        if ready is None or ready["fault"]:
            self.close()
            raise Unstartable(ready["fault"] if ready else f"{python} ended or hung while it loaded the libraries.")
        self._used = time.monotonic()
        self.environment = [Path(path) for path in ready["environment"]]
        self.packages = Path(ready["packages"])

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether it can take a request; one that is about to end for lack of work counts as ended."""
        return self.alive and time.monotonic() - self._used < self.idle / 2

    def run(self, request: Message, beat: Callable[[Progress], Continue], every: float) -> Message | None:
        """Send the request, beat until it has ended; the report, or None when the processes were killed."""
        try:
            return self._converse(request, beat, every)
        except BaseException:  # of the beat: nothing may go on running without one
            self.close()
            raise
        finally:
            self._used = time.monotonic()

    def close(self) -> None:
        """End the process and every run in it; returns when they are gone."""
        self.sock.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """For a process that no longer answers: kills it and its supervisor, at which the script dies too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def forget(self) -> None:
        """In a fork of this process: let go of the socket, so that the warm parent still notices our parent's end."""
        self.sock.close()
        self.process.returncode = 0  # not our child: nothing to wait for

    def _converse(self, request: Message, beat: Callable[[Progress], Continue], every: float) -> Message | None:
        child, asked, due = 0, False, time.monotonic() + every
        if not self._said(request):
            return None
        while True:
            if not waiting(self.sock, due - time.monotonic()):
                if asked or not self._said({"ask": True}):
                    break
                asked, due = True, time.monotonic() + PATIENCE
                continue
            message = receive(self.sock)
            if message is None:
                break
            if "ended" in message:
                return message
            if "pid" in message:
                child = message["pid"]
            elif (answer := beat(Progress(message["fraction"], message["message"], message["news"]))) is Continue.GO:
                asked, due = False, time.monotonic() + every
            else:
                self._said({"stop": "cancelled" if answer is Continue.CANCEL else "lost"})
                asked, due = True, time.monotonic() + PATIENCE
        self._clear_away(child, request["uid"])
        return None

    def _said(self, message: Message) -> bool:
        try:
            send(self.sock, message)
        except OSError:
            return False
        return True

    def _clear_away(self, child: int, uid: int | None) -> None:
        """Somebody killed our processes from outside: make sure that the script's are gone as well."""
        self.sock.close()
        self.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if child:
                os.killpg(child, signal.SIGKILL)
        if uid is not None:
            processes.kill_user(uid)
