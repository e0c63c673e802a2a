"""The broker is only a doorbell: work is a row, and a coordinator finds what was not rung.

`portal.celery` installs the bell, so the domain knows no queue.
"""

from collections.abc import Callable
from typing import Any

import structlog
from django.db import transaction

log = structlog.get_logger(__name__)
_bell: Callable[..., None] | None = None


def install(bell: Callable[..., None]) -> None:
    """`bell(task_name, *args)` sends one message."""
    global _bell
    _bell = bell


def ring(name: str, *args: Any) -> None:
    """After commit, tell the named task; a broker that is away costs a log line, not the caller's work."""
    transaction.on_commit(lambda: _ring_now(name, *args))


def _ring_now(name: str, *args: Any) -> None:
    if _bell is None:
        return
    try:
        _bell(name, *args)
    except Exception as error:  # the broker's own error types are not known here, and the row is safe
        log.warning("doorbell.silent", task=name, error=str(error))
