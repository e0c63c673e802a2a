"""Who a server runs as, and what that user can reach; nothing here changes a mode or an owner."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    """An operating-system user that a process is started as, with no groups but its own."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """`nobody` where this process is root and must step down; None where it is an ordinary user already."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def can_enter(folder: Path, account: Account | None) -> bool:
    """Whether the account can go through every parent of this folder and into it."""
    return succeeds(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], account)


def succeeds(argv: list[str], account: Account | None) -> bool:
    """Whether a short command, run as the account, can be started and ends with 0."""
    try:
        return run(argv, account).returncode == 0
    except OSError:
        return False


def run(argv: list[str], account: Account | None) -> subprocess.CompletedProcess[str]:
    """Runs a short command as the account, in /, with nothing of our environment but PATH."""
    return subprocess.run(
        argv,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
