"""`services.json` in the data folder: what runs there now, and the keys generated for it.

Who may write it is decided by a lock that the operating system drops when its holder dies, so a
killed supervisor never looks alive.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from portal.local.errors import CannotRun

# A reader holds the lock for microseconds; only another supervisor holds it longer than this.
LOCK_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class Keys:
    """Secrets that outlive a restart; made once per data folder."""

    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(50))
    postgres_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    database_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    redis_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    encryption_key: str = field(default_factory=lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    postgres_folder: str = ""


@dataclass(frozen=True)
class Services:
    """What runs now: where the database and the broker are, and who started them."""

    database_url: str
    redis_url: str
    secret_key: str
    pid: int
    mark: str
    address: str = ""
    encryption_key: str = ""


def load(var_dir: Path) -> Services | None:
    """What runs in this data folder right now, or None when nothing does."""
    return left_behind(var_dir) if _is_locked(var_dir) else None


def left_behind(var_dir: Path) -> Services | None:
    """What the last supervisor said it runs, alive or not: a killed one could not take it back."""
    running = _read(var_dir).get("running")
    return Services(**running) if running else None


def saved_keys(var_dir: Path) -> Keys | None:
    keys = _read(var_dir).get("keys")
    return Keys(**keys) if keys else None


def save(var_dir: Path, keys: Keys, running: Services | None = None) -> None:
    """Replaces the file in one step; readable by its owner only from its first byte."""
    content = {"running": asdict(running) if running else None, "keys": asdict(keys)}
    draft = var_dir / "services.json.new"
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(var_dir / "services.json")


def lock(var_dir: Path) -> int | None:
    """Takes the data folder for this process until it ends; None when another one has it."""
    descriptor = os.open(var_dir / "services.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while not _try_lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            os.close(descriptor)
            return None
        time.sleep(0.05)
    return descriptor


def unlock(descriptor: int) -> None:
    os.close(descriptor)


def _is_locked(var_dir: Path) -> bool:
    try:
        descriptor = os.open(var_dir / "services.lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(var_dir: Path) -> Mapping[str, Any]:
    path = var_dir / "services.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise CannotRun(
            f"{path} belongs to somebody else. Run as its owner, or set DATABASE_URL and REDIS_URL."
        ) from error
    except ValueError as error:
        raise CannotRun(f"{path} is damaged. Remove the whole folder {var_dir} and start again.") from error
