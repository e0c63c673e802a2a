"""The company's opinion of a tool."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from django.db import transaction
from django.db.models.functions import Now, TruncDate

from apps.audit.actions import record
from apps.audit.words import Word
from apps.catalog.checking import changed, difference, insert
from apps.catalog.events import Event
from apps.catalog.models import Decision, Position, Tool
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


@dataclass(frozen=True)
class Opinion:
    """What we think of a tool: its ring (Position.Ring), who answers for it, what it is for. Texts are Markdown."""

    ring: str
    owner: User | None = None
    team: Team | None = None
    support: str = ""
    when_to_use: str = ""
    when_not: str = ""
    getting_started: str = ""
    instead: Tool | None = None
    next_review: date | None = None
    decision: Decision | None = None

    @classmethod
    def of(cls, tool: Tool) -> Self:
        """The one there is; no ring yet for a tool without a position."""
        position = getattr(tool, "position", None)
        return cls(**{field.name: getattr(position, field.name) for field in fields(cls)}) if position else cls(ring="")


@transaction.atomic
def place_tool(
    *,
    actor: User,
    tool: Tool,
    opinion: Opinion,
    reason: str = "",
    revision: int | None = None,
    at: datetime | None = None,
) -> Position:
    """Gives the tool its first position, moves it to another ring (needs a reason), or edits the rest.

    `revision` is the one the editor looked at; Conflict if the position has changed since. The same opinion again
    changes nothing. `at` is the day of the move, for history that is written down later.
    """
    require(actor, "catalog.edit", tool)
    _check_owner(opinion)
    position = Position.objects.select_related("owner", "team", "instead", "decision").filter(tool=tool).first()
    if position is None:
        return _place(actor, tool, opinion, reason, at)
    return _edit(actor, position, opinion, reason, revision or position.revision, at)


def _place(actor: User, tool: Tool, opinion: Opinion, reason: str, at: datetime | None) -> Position:
    row = Position(tool=tool, since=_day(at), **vars(opinion))
    position = insert(row, taken=f"Somebody has just given {tool} a position; reload to see it.")
    record(actor=actor, action=Event.TOOL_PLACED, target=position, after={"ring": opinion.ring}, note=reason, at=at)
    return position


def _edit(
    actor: User, position: Position, opinion: Opinion, reason: str, revision: int, at: datetime | None
) -> Position:
    before, after = difference(position, opinion)
    if not after:
        return position
    moves = "ring" in after
    if moves and not reason.strip():
        raise Invalid("Say why it moves to another ring; everybody who uses it will read this.", field="reason")
    values = {name: getattr(opinion, name) for name in after} | ({"since": _day(at)} if moves else {})
    _save(changed(position, **vars(opinion)), values, revision)
    event: Word = Event.RING_MOVED if moves else Event.POSITION_EDITED
    record(actor=actor, action=event, target=position, before=before, after=after, note=reason, at=at)
    return Position.objects.get(pk=position.pk)


def _save(position: Position, values: dict[str, object], revision: int) -> None:
    still = Position.objects.filter(pk=position.pk, revision=revision)
    if not still.update(**values, revision=revision + 1):
        raise Conflict(f"Somebody has edited the position of {position} meanwhile. Reload, look, and edit again.")


def _check_owner(opinion: Opinion) -> None:
    if opinion.owner is not None and not opinion.owner.is_active:
        raise Invalid(f"{opinion.owner} is no longer active; choose another owner.", field="owner")


def _day(at: datetime | None) -> date | TruncDate:
    return at.date() if at else TruncDate(Now())
