"""The processes of one run, read from /proc; where there is none (not Linux) only the child itself is known."""

import contextlib
import ctypes
import os
import signal
import time
from collections import defaultdict
from pathlib import Path

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")
AT_MOST = 256  # processes of one run: far above what training needs, far below what stops a machine
THREADS = AT_MOST + 64  # the kernel counts threads; a little more, so that passing the limit is seen and said
EXACT = 0.5  # seconds for the exact look at memory

NEW_NETWORK = 0x40000000  # CLONE_NEWNET of linux/sched.h
# Of linux/prctl.h.
SET_PDEATHSIG, SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVS = 1, 36, 38
_libc = ctypes.CDLL(None)


def become_subreaper() -> None:
    """From here on, orphans below this process become its children, whatever they did to hide."""
    _prctl(SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; a change of user would undo it, so call it after."""
    _prctl(SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def renounce_privileges() -> None:
    """No program started from here on gains rights by being set-user-id."""
    _prctl(SET_NO_NEW_PRIVS, 1)


def leave_the_network() -> None:
    """From here on nothing is reached, not even on this machine; without the right to it nothing happens."""
    if PROC.exists():
        _libc.unshare(ctypes.c_int(NEW_NETWORK))


def _prctl(option: int, value: int) -> None:
    if PROC.exists():  # elsewhere there is no prctl
        _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def descendants(pid: int) -> list[int]:
    """Everything that stems from this process, itself left out; orphans count where it is their subreaper."""
    children = _children()
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def memory(pids: list[int], limit: int) -> int:
    """Bytes of memory in use; exact (shared pages counted once) only where the quick sum passes the limit."""
    quick = sum(_resident(pid) for pid in pids)
    if quick <= limit:
        return quick
    # Each exact look waits for the process's memory lock, which one that forks without end hardly lets go of: what
    # is not reached in time counts nothing, so that the other limits are still looked at.
    until = time.monotonic() + EXACT
    return sum(_proportional(pid) for pid in pids if time.monotonic() < until)


def end_all(*, uid: int | None) -> None:
    """Kill and reap every descendant of this process, which has to be their subreaper.

    With the run's own `uid` the kernel kills them all in one step, so that a script cannot outrun it by forking.
    """
    if uid is not None:
        kill_user(uid)
    while _reap():
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _reap() -> bool:
    """Collect who has ended; whether any child is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def kill_user(uid: int) -> None:
    """Kill everything that runs as this user, which has to be one that only this run has."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setresuid(uid, uid, uid)
            os.kill(-1, signal.SIGKILL)  # all of that user, but not the caller
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = defaultdict(list)
    for pid in _pids():
        # An ended process may vanish between the listing and the reading.
        with contextlib.suppress(OSError, ValueError, IndexError):
            stat = (PROC / str(pid) / "stat").read_bytes()
            children[int(stat.rpartition(b")")[2].split()[1])].append(pid)
    return children


def _pids() -> list[int]:
    try:
        return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    except OSError:
        return []


def _resident(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        rollup = (PROC / str(pid) / "smaps_rollup").read_bytes()
        return int(rollup.split(b"\nPss:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return _resident(pid)  # no right to look (a container without SYS_PTRACE): the upper bound counts
