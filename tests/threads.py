"""People who press at the same moment: real threads, each with a database connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection, transaction

from apps.core.errors import PortalError


def together(*calls: Callable[[], object]) -> list[PortalError | None]:
    """Each call in its own thread, all at once; what each was refused with, in their order. Other errors are raised."""
    barrier = Barrier(len(calls))

    def press(call: Callable[[], object]) -> PortalError | None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            call()
        except PortalError as refusal:
            return refusal
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(press, calls))


def behind(first: Callable[[], object], second: Callable[[], object], last: Callable[[], object] = int) -> None:
    """Starts the second while the first has not committed; once the second waits for it, does the last and commits."""

    def press() -> None:
        try:
            second()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            first()
            waiting = threads.submit(press)
            _until_somebody_waits()
            last()
        waiting.result(timeout=30)


def _until_somebody_waits() -> None:
    with connection.cursor() as cursor:
        for _ in range(1_000):
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE NOT granted AND datname = current_database()"
            )
            if cursor.fetchone() != (0,):
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("the second did not wait for the first")
