"""Harm to the database itself, and a lock that stops somebody else in the middle of a transaction."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2  # type: ignore[import-untyped]
from django.db import InterfaceError, OperationalError, connection

from tests.faults.portal import Portal
from tests.served import database_url


def commit_for_real() -> None:
    """The tests' server acknowledges commits before they are written, which a crash would show."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER DATABASE {connection.ops.quote_name(connection.settings_dict['NAME'])} SET synchronous_commit = on"
        )


def crash_postgresql(portal: Portal) -> None:
    """One of its processes is killed with -9: it ends all others, drops every connection and recovers from its log."""
    before = _processes()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    os.kill(pid, signal.SIGKILL)
    portal.wait_for(lambda: bool(now := _processes()) and now.isdisjoint(before))


def _processes() -> set[int]:
    """Of the server; none while it does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity")
            return {pid for (pid,) in cursor.fetchall()}
    except (InterfaceError, OperationalError):
        connection.close()
        return set()


@contextmanager
def locked_alias(model: str, alias: str) -> Iterator[None]:
    """Whoever moves this alias meanwhile waits, in the middle of a transaction that has written much already."""
    other = psycopg2.connect(database_url())
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM registry_alias JOIN registry_registeredmodel model ON model.id = model_id"
                " WHERE model.name = %s AND registry_alias.name = %s FOR UPDATE OF registry_alias",
                [model, alias],
            )
            assert cursor.rowcount == 1
        yield
    finally:
        other.close()


def somebody_moves_aliases() -> bool:
    """True while a transaction waits for the locked alias."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND query LIKE 'UPDATE registry_alias%'"
        )
        return bool(cursor.fetchone()[0])
