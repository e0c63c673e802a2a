"""People who press at the same moment: real threads, each with a database connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection

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
