"""Which other operating-system user a run may be, and whether that user can reach what a run needs."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from apps.platforms.base import Isolation

# A user id of its own for each run, so that runs cannot touch each other, nor the database server, which runs as
# nobody where the portal is root. systemd's list of uids leaves this range to nobody; no account is created.
UIDS = range(60578, 61184)

# Opens each path for real; prints the first that resists.
PROBE = """
for path do
  if [ -d "$path" ]; then [ -r "$path" ] && [ -x "$path" ]; else (: < "$path") 2>/dev/null; fi ||
  { printf %s "$path"; exit 1; }
done
"""


def environment() -> list[Path]:
    """What a running interpreter still reads from disk: itself, the standard library, the installed packages."""
    places = (sys.executable, sys.prefix, sys.base_prefix, os.__file__, sysconfig.get_path("purelib"))
    return [Path(place) for place in places]


def isolation(scratch: Path, needs: Sequence[Path], python: Sequence[Path] | None = None) -> Isolation:
    """Whether a run with this scratch root could be another user that reaches everything it `needs`.

    `python` is the interpreter's `environment()` when it is not the portal's own. Creates `scratch`.
    """
    if sys.platform != "linux":
        return Isolation(on=False, because="running as another user is only supported on Linux.")
    if os.geteuid() != 0:
        return Isolation(on=False, because="only root may start a process as another user, and the portal is not root.")
    scratch.mkdir(parents=True, exist_ok=True)
    return _reached([scratch, *(environment() if python is None else python), *needs])


def may_reach(path: Path, uid: int, gid: int) -> bool:
    """Whether that user can read the file, or list and enter the folder; tried for real, needs root."""
    return unreachable([path], uid, gid) is None


def unreachable(paths: Sequence[Path], uid: int, gid: int) -> str | None:
    """The first path that this user cannot read (a folder: list and enter), None when all are reached.

    Raises OSError where the system does not let us become that user.
    """
    # A shell instead of a fork of this process: that would be unsafe with the web server's threads.
    probe = subprocess.run(
        ["/bin/sh", "-c", PROBE, "probe", *map(str, paths)],
        user=uid, group=gid, extra_groups=[], cwd="/", env={},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return None if probe.returncode == 0 else os.fsdecode(probe.stdout)


def _reached(paths: Sequence[Path]) -> Isolation:
    try:
        barred = unreachable(paths, UIDS[0], UIDS[0])
    except (OSError, subprocess.SubprocessError):
        return Isolation(
            on=False, because="this system does not let root become another user (a container's user map?)."
        )
    if barred is None:
        return Isolation(on=True, because="")
    return Isolation(
        on=False, because=f"another operating-system user cannot reach {barred} (a folder above it is closed)."
    )


class RunUser:
    """A user id that no other process on this machine has, for as long as this object is open."""

    def __init__(self) -> None:
        self._claim = socket.socket(socket.AF_UNIX)
        taken = _users_at_work()
        for uid in random.sample(UIDS, len(UIDS)):
            if uid not in taken and self._claimed(uid):
                self.uid = uid
                return
        raise OSError(f"All {len(UIDS)} user ids for training runs are taken.")

    def close(self) -> None:
        self._claim.close()

    def _claimed(self, uid: int) -> bool:
        # An abstract address is a lock for the whole machine that leaves no file and dies with its process.
        with contextlib.suppress(OSError):
            self._claim.bind(f"\0portal-run-user-{uid}")
            return True
        return False


def _users_at_work() -> set[int]:
    taken = set()
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):  # it ended while we looked
            taken.add(entry.stat().st_uid)
    return taken
