"""State machines are data: a model's `Status` and `ALLOWED`; `move` is the only way from one status to another."""

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol, TypeVar

from django.db.models import Model

from apps.core.errors import Conflict


class Stateful(Protocol):
    """A model with a status and the moves it allows: `ALLOWED[from] = {to, …}`."""

    ALLOWED: ClassVar[dict[Any, frozenset[Any]]]
    status: str


Row = TypeVar("Row", bound=Model)


def free(statuses: Iterable[str]) -> dict[Any, frozenset[Any]]:
    """Every move is allowed: the status is what somebody else says."""
    known = frozenset(statuses)
    return {status: known - {status} for status in known}


def move(row: Row, to: str, *, guard: dict[str, Any] | None = None, **changes: Any) -> Row:
    """Compare-and-set: change the status and `changes` only if the row still is as it was read.

    `guard` adds conditions (an attempt number as fencing token). Raises Conflict if the move is not allowed or
    somebody was faster; the row in hand then stays as it was.
    """
    was = row.status  # type: ignore[attr-defined]
    if to not in row.ALLOWED[was]:  # type: ignore[attr-defined]
        raise Conflict(f"{row} is {_word(was)} and can not become {_word(to)}.")
    still = type(row)._base_manager.filter(pk=row.pk, status=was, **(guard or {}))
    if not still.update(status=to, **changes):
        raise Conflict(f"{row} has changed meanwhile: it is no longer {_word(was)}. Reload to see what happened.")
    row.refresh_from_db(fields=["status", *changes])
    return row


def _word(status: str) -> str:
    return str(status).replace("_", " ")
