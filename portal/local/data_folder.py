"""The folder of everything a portal keeps on this machine (VAR_DIR), taken by one supervisor at a time."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.local import leftovers, postgres, services, valkey
from portal.local.errors import MAKE_ROOM, CannotRun

NEEDED_BYTES = 500 * 1024 * 1024
"""A fresh PostgreSQL with the demo company, its log and its files, with room to move."""


@contextmanager
def taken(var_dir: Path) -> Iterator[None]:
    """Makes the folder where needed and holds its lock; CannotRun where somebody else has it."""
    _open(var_dir)
    held = services.lock(var_dir)
    if held is None:
        raise CannotRun(_already_running(var_dir))
    try:
        yield
    finally:
        services.unlock(held)


def clear_leftovers(var_dir: Path, keys: services.Keys) -> list[int]:
    """Ends what a killed supervisor left running in this folder; returns the ids of these processes."""
    before = services.left_behind(var_dir)
    portal = leftovers.end(lambda: leftovers.marked(before.mark), valkey.FAREWELL) if before else []
    brokers = leftovers.end(lambda: leftovers.working_in(valkey.folder(var_dir)), valkey.FAREWELL)
    return portal + brokers + [pid for data in _databases(var_dir, keys) for pid in _clear_database(data)]


def _databases(var_dir: Path, keys: services.Keys) -> list[Path]:
    outside = [Path(keys.postgres_folder) / "data"] if keys.postgres_folder else []
    return [var_dir / "postgres", *outside]


def _clear_database(data: Path) -> list[int]:
    """Ends an orphaned PostgreSQL and takes away its pid file, whose number may be another program's by now."""
    ended = leftovers.end(lambda: leftovers.working_in(data), postgres.FAREWELL)
    if Path("/proc/self").exists():  # elsewhere nothing could be looked for, and PostgreSQL decides itself
        (data / "postmaster.pid").unlink(missing_ok=True)
    return ended


def _open(var_dir: Path) -> None:
    try:
        # As root, PostgreSQL works in here as `nobody`, who must pass through but need not look.
        var_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        owner = var_dir.stat().st_uid
        free = shutil.disk_usage(var_dir).free
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise CannotRun(f"{var_dir} cannot be used ({error.strerror}). {_OTHER_FOLDER}") from error
    if owner != os.geteuid():
        raise CannotRun(f"{var_dir} belongs to {_user(owner)}, and you are {_user(os.geteuid())}. {_OTHER_FOLDER}")
    if free < NEEDED_BYTES:
        left, needed = free // 1024**2, NEEDED_BYTES // 1024**2
        raise CannotRun(f"{left} MB are left on the disk of {var_dir}, and {needed} MB are needed. {MAKE_ROOM}")


_OTHER_FOLDER = "Run as its owner, or choose another folder: make serve VAR_DIR=/path."


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _already_running(var_dir: Path) -> str:
    running = services.load(var_dir)
    if running is None or not running.address:
        return f"Something is starting in {var_dir} already. Wait for it, or choose another VAR_DIR."
    return f"The portal is running already, at {running.address} (process {running.pid}); stop it with Ctrl-C there."
