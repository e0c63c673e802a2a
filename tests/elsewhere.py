"""An empty database beside the test's own, commands that run against either, and what must be equal in both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg2  # type: ignore[import-untyped]

from tests.served import ROOT

EQUAL = {
    "champions": "SELECT model_id, name, version_id FROM registry_alias ORDER BY id",
    "digests": "SELECT id, digest FROM registry_modelversion ORDER BY id",
    "history": "SELECT id, action, target_id, note FROM audit_auditevent ORDER BY id",
    "moves": "SELECT model_id, before_id, after_id FROM registry_aliasmove ORDER BY id",
}
"""What a portal would not be without; the command itself compares every table."""


@contextmanager
def empty_database(database: str) -> Iterator[str]:
    """The address of a new one on the same server, which is gone afterwards."""
    name = f"{urlsplit(database).path[1:]}_elsewhere"
    _alone(database, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    _alone(database, f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(database)._replace(path=f"/{name}").geturl()
    finally:
        _alone(database, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _alone(database: str, sql: str) -> None:
    with closing(psycopg2.connect(database)) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(sql)


def manage(env: Mapping[str, str], *command: object, fails: bool = False) -> str:
    """What `manage.py` said."""
    argv = [sys.executable, "manage.py", *map(str, command)]
    done = subprocess.run(argv, cwd=ROOT, env=dict(env), capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stderr
    return done.stderr if fails else done.stdout


def rows(database: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(database)) as session, session.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()  # type: ignore[no-any-return]


def kept(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """What must be equal, by name."""
    return {name: rows(database, sql) for name, sql in EQUAL.items()}
