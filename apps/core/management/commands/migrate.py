"""Django's `migrate`, one at a time: two hosts that start together don't trip over each other's tables."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK = 0x6D6C706F
"""Any number, as long as nothing else of the portal locks the same."""
BREATH_SECONDS = 0.2


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with _alone(connections[options["database"]]):
            super().handle(*args, **options)


@contextmanager
def _alone(database: BaseDatabaseWrapper) -> Iterator[None]:
    """Waits for as long as the other one needs; a change of a large table may take longer than any request, too."""
    # Not by a statement that waits: an index that is built concurrently waits for every statement in turn.
    while not _ask(database, f"SELECT pg_try_advisory_lock({LOCK})"):
        time.sleep(BREATH_SECONDS)
    try:
        _ask(database, "SELECT set_config('statement_timeout', '0', false)")
        yield
    finally:
        _ask(database, f"SELECT pg_advisory_unlock({LOCK})")
        with database.cursor() as cursor:
            cursor.execute("RESET statement_timeout")


def _ask(database: BaseDatabaseWrapper, question: str) -> Any:
    with database.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]
