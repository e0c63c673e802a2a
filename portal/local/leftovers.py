"""Processes that outlived a killed supervisor: found by the folder they work in or by its mark, and ended.

Only called by the holder of the data folder's lock, so whatever is found belongs to nobody alive.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

MARK = "PORTAL_SERVE_MARK"
"""Environment variable that every process under a supervisor inherits."""


def working_in(folder: Path) -> list[int]:
    """Processes whose working folder is exactly this one: the servers go into their data folder."""
    return _processes(lambda process: (process / "cwd").readlink() == folder)


def marked(mark: str) -> list[int]:
    """Processes that a supervisor with this mark started, directly or not."""
    wanted = f"{MARK}={mark}".encode()
    return _processes(lambda process: wanted in (process / "environ").read_bytes().split(b"\0"))


def end(pids: Callable[[], list[int]], farewell: Sequence[tuple[signal.Signals, float]]) -> list[int]:
    """Sends each signal with its seconds of patience until no process is found; returns whom it met at first."""
    found = pids()
    for number, patience in [*farewell, (signal.SIGKILL, 5.0)]:
        _send(pids(), number)
        _wait_until_none(pids, patience)
    return found


def _processes(belongs: Callable[[Path], bool]) -> list[int]:
    own = {os.getpid(), os.getppid()}
    return [pid for pid in _all_pids() if pid not in own and _safely(belongs, Path("/proc", str(pid)))]


def _all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _safely(belongs: Callable[[Path], bool], process: Path) -> bool:
    try:
        return belongs(process)
    except OSError:  # somebody else's process, or one that ended meanwhile
        return False


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait_until_none(pids: Callable[[], list[int]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while pids() and time.monotonic() < deadline:
        time.sleep(0.05)
