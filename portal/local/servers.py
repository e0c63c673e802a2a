"""The two servers the portal needs: a user's own where an address is given, else those out of the wheels."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from portal.local import data_folder, postgres, services, valkey
from portal.local.errors import CannotRun
from portal.local.leftovers import MARK
from portal.local.ports import free_port
from portal.local.privileges import unprivileged
from portal.local.services import Keys, Services
from portal.local.supervisor import Supervisor

COMES_UP_SECONDS = 60.0
ATTEMPTS = 3


@dataclass(frozen=True)
class Wanted:
    """What to start, and where: an address that is given is used, and nothing of its kind is started."""

    var_dir: Path
    database_url: str = ""
    redis_url: str = ""
    throwaway: bool = False


@contextmanager
def running(wanted: Wanted, supervisor: Supervisor) -> Iterator[Services]:
    """Starts what is wanted in a data folder that the caller has taken, and says in services.json where it is.

    At the end every process of the supervisor is stopped before services.json says so.
    """
    keys = _keys(wanted.var_dir)
    _say_what_was_left(data_folder.clear_leftovers(wanted.var_dir, keys), supervisor)
    services.save(wanted.var_dir, keys)
    try:
        yield _started(wanted, keys, supervisor)
    finally:
        supervisor.stop_all()
        services.save(wanted.var_dir, _keys(wanted.var_dir))


def announce(var_dir: Path, running: Services) -> None:
    """Writes down what runs now, for `manage.py` beside it."""
    services.save(var_dir, _keys(var_dir), running)


def environment(running: Services, var_dir: Path, base: Mapping[str, str]) -> dict[str, str]:
    """What every process of the portal gets: the addresses, the keys, the folder and the supervisor's mark."""
    return {
        **base,
        "DATABASE_URL": running.database_url,
        "REDIS_URL": running.redis_url,
        "SECRET_KEY": base.get("SECRET_KEY") or running.secret_key,
        "ENCRYPTION_KEYS": base.get("ENCRYPTION_KEYS") or running.encryption_key,
        "VAR_DIR": str(var_dir),
        MARK: running.mark,
    }


def _keys(var_dir: Path) -> Keys:
    keys = services.saved_keys(var_dir)
    if keys is None and (var_dir / "postgres").exists():
        raise CannotRun(
            f"{var_dir / 'postgres'} is there without services.json, which holds its password. "
            f"Put that file back, or remove {var_dir} and start again."
        )
    return keys or Keys()


def _started(wanted: Wanted, keys: Keys, supervisor: Supervisor) -> Services:
    database_url = _own(wanted.database_url, postgres.check_own) or _start_postgres(wanted, keys, supervisor)
    redis_url = _own(wanted.redis_url, valkey.check_own) or _start_valkey(wanted, keys, supervisor)
    mark = secrets.token_hex(8)
    found = Services(
        database_url,
        redis_url,
        keys.secret_key,
        pid=os.getpid(),
        mark=mark,
        encryption_key=keys.encryption_key,
    )
    announce(wanted.var_dir, found)
    return found


def _own(address: str, check: Callable[[str], None]) -> str:
    if address:
        check(address)
    return address


def _start_postgres(wanted: Wanted, keys: Keys, supervisor: Supervisor) -> str:
    where = postgres.place(var_dir=wanted.var_dir, keys=keys, account=unprivileged())
    outside = postgres.outside_folder(where)
    if outside:
        supervisor.say(_why_outside(outside, wanted.var_dir, expected=bool(keys.postgres_folder)), "postgres")
        services.save(wanted.var_dir, replace(keys, postgres_folder=str(outside)))
    postgres.prepare(where, keys)
    port = free_port()
    supervisor.start(postgres.process(where, port=port, throwaway=wanted.throwaway))
    supervisor.wait_until("postgres", lambda: postgres.is_ready(port=port, keys=keys), COMES_UP_SECONDS)
    postgres.set_up(port=port, keys=keys)
    return postgres.url(port=port, keys=keys)


def _start_valkey(wanted: Wanted, keys: Keys, supervisor: Supervisor) -> str:
    port = free_port()
    valkey.prepare(wanted.var_dir, port=port, keys=keys, throwaway=wanted.throwaway)
    supervisor.start(valkey.process(wanted.var_dir))
    supervisor.wait_until("valkey", lambda: valkey.is_ready(port=port, keys=keys), COMES_UP_SECONDS)
    return valkey.url(port=port, keys=keys)


def _why_outside(outside: Path, var_dir: Path, *, expected: bool) -> str:
    if expected and not outside.exists():
        return f"{outside} is gone (temporary folders are emptied at boot): starting with an empty database there."
    return (
        f"PostgreSQL does not run as root, and `nobody` cannot reach both {var_dir} and {sys.prefix}: "
        f"its data is in {outside}."
    )


def _say_what_was_left(pids: list[int], supervisor: Supervisor) -> None:
    if pids:
        supervisor.say(f"Ended {len(pids)} processes that a killed `make serve` had left here.")
