"""The company's opinion of a tool: edited by editors; its ring moves only by a proposal that the board approves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from django.db import transaction
from django.db.models.functions import Now, TruncDate
from django.utils import timezone

from apps.audit.actions import record
from apps.catalog.actions.decisions import check_open
from apps.catalog.checking import changed, difference, insert
from apps.catalog.events import Event
from apps.catalog.models import Decision, Position, Ring, RingMove, Tool, Usage
from apps.catalog.voting import ask_board, digest_of_move, say_no, say_yes, take_back
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.transitions import move as move_status

if TYPE_CHECKING:
    from apps.accounts.models import Team, User
    from apps.approvals.models import Approval

Status = RingMove.Status
MOST_EXPERTS = 10


@dataclass(frozen=True)
class Opinion:
    """What we think of a tool: its ring (Ring), who answers for it, what it is for. Texts are Markdown."""

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

    @classmethod
    def of_move(cls, move: RingMove) -> Self:
        """What the move asks for."""
        return cls(ring=move.to_ring, **{name: getattr(move, name) for name in WORDS})


WORDS = [field.name for field in fields(Opinion) if field.name != "ring"]


@transaction.atomic
def edit_position(
    *, actor: User, tool: Tool, opinion: Opinion, revision: int | None = None, at: datetime | None = None
) -> Position:
    """Changes what we say about a tool, not its ring. `revision` is the one the editor looked at.

    Conflict if the position has changed since, or for another ring; the same opinion again changes nothing.
    """
    require(actor, "catalog.edit", tool)
    _check_people(opinion)
    position = _position_of(tool)
    if position is None or position.ring != opinion.ring:
        raise Invalid("Its ring moves by a proposal that the board approves: propose a move instead.", field="ring")
    return _save(actor, position, opinion, "", revision, at)


@transaction.atomic
def name_experts(*, actor: User, tool: Tool, experts: Iterable[User]) -> Position:
    """Whom to ask about a tool, at most ten people."""
    require(actor, "catalog.edit", tool)
    position, experts = _position_of(tool), sorted(set(experts), key=lambda expert: expert.username)
    if position is None:
        raise Invalid("A tool without a position has no experts yet; propose a ring first.", field="experts")
    if len(experts) > MOST_EXPERTS:
        raise Invalid(f"Name at most {MOST_EXPERTS} experts: whom would you ask first?", field="experts")
    position.experts.set(experts)
    after = {"experts": [expert.username for expert in experts]}
    record(actor=actor, action=Event.POSITION_EDITED, target=position, after=after)
    return position


@transaction.atomic
def confirm_position(*, actor: User, tool: Tool, next_review: date, at: datetime | None = None) -> Position:
    """Somebody has looked: it still holds, and is looked at again on `next_review`."""
    require(actor, "catalog.review", getattr(tool, "position", None))
    position = _position_of(tool)
    if position is None:
        raise Invalid("A tool without a position can not be reviewed; propose a ring first.")
    if next_review <= _today():
        raise Invalid("Choose a day in the future on which to look again.", field="next_review")
    position.next_review, position.reviewed_on = next_review, at.date() if at else _today()
    position.save(update_fields=["next_review", "reviewed_on"])
    after = {"next_review": str(next_review)}
    record(actor=actor, action=Event.POSITION_REVIEWED, target=position, after=after, at=at)
    return position


@transaction.atomic
def propose_move(*, actor: User, tool: Tool, opinion: Opinion, reason: str, at: datetime | None = None) -> RingMove:
    """Asks the board to move the tool (or give it its first position); `opinion` is what we would then say about it.

    Raises Invalid with what the ring asks for and is missing, Exists while another move of the tool is open.
    """
    require(actor, "catalog.propose_move", tool)
    _check_people(opinion)
    position = _position_of(tool)
    row = RingMove(
        tool=tool,
        from_ring=position.ring if position else "",
        to_ring=opinion.ring,
        reason=reason.strip(),
        proposer=actor,
        proposed_on=_day(at),
        **{name: getattr(opinion, name) for name in WORDS},
    )
    _check_move(row)
    move = insert(row, taken=f"Another move of {tool} waits for the board already; wait for it, or withdraw it.")
    _ask(actor, move)
    after = {"ring": move.to_ring}
    record(actor=actor, action=Event.MOVE_PROPOSED, target=tool, before={"ring": move.from_ring}, after=after,
           note=move.reason, at=at)  # fmt: skip
    return move


@transaction.atomic
def approve_move(
    *, actor: User, move: RingMove, note: str = "", digest: str = "", at: datetime | None = None
) -> RingMove:
    """One yes of the board; the last one that is needed moves the tool. `digest` is of what the voter looked at."""
    _lock(move)
    require(actor, "catalog.decide_move", move)
    approval = _open_question(move)
    _check_move(move)
    if not say_yes(actor=actor, approval=approval, digest=digest or digest_of_move(move), note=note):
        record(actor=actor, action=Event.MOVE_APPROVED, target=move.tool, after={"ring": move.to_ring}, note=note)
        return move
    _apply(actor, move, at)
    return move_status(move, Status.APPLIED, applied_on=at.date() if at else _today())


@transaction.atomic
def refuse_move(*, actor: User, move: RingMove, reason: str) -> RingMove:
    """One no of the board closes the proposal, with its reason."""
    _lock(move)
    require(actor, "catalog.decide_move", move)
    say_no(actor=actor, approval=_open_question(move), digest=digest_of_move(move), reason=reason)
    after = {"ring": move.to_ring}
    record(actor=actor, action=Event.MOVE_REFUSED, target=move.tool, after=after, note=reason)
    return move_status(move, Status.REFUSED, note=reason.strip()[:500])


@transaction.atomic
def withdraw_move(*, actor: User, move: RingMove, reason: str = "") -> RingMove:
    """Takes an open proposal back."""
    _lock(move)
    require(actor, "catalog.withdraw_move", move)
    _open_question(move)
    take_back(actor=actor, approval=move.approval)
    after = {"ring": move.to_ring}
    record(actor=actor, action=Event.MOVE_WITHDRAWN, target=move.tool, after=after, note=reason)
    return move_status(move, Status.WITHDRAWN, note=reason.strip()[:500])


def _check_move(move: RingMove) -> None:
    """What each ring asks for, now."""
    if not move.reason:
        raise Invalid("Say why it moves to another ring; everybody who uses it will read this.", field="reason")
    if move.to_ring == move.from_ring:
        raise Invalid(f"{move.tool} is in that ring already.", field="ring")
    if move.to_ring not in Ring.values:
        raise Invalid("Choose a ring: adopt, trial, assess, hold or retired.", field="ring")
    if demand := RING_CHECKS.get(move.to_ring):
        demand(move)


def _check_adopt(move: RingMove) -> None:
    if move.owner is None:
        raise Invalid("An adopted tool needs an owner: somebody who answers questions about it.", field="owner")
    if not move.when_to_use.strip():
        raise Invalid("Say what an adopted tool is to be used for.", field="when_to_use")
    if not move.getting_started.strip():
        raise Invalid("An adopted tool needs its first steps written down.", field="getting_started")
    if move.decision is None or move.decision.status != Decision.Status.ACCEPTED:
        raise Invalid("To adopt a tool, name the accepted decision behind it.", field="decision")


def _check_hold(move: RingMove) -> None:
    if not move.when_not.strip():
        raise Invalid("Say why a tool on hold is not to be used for anything new.", field="when_not")
    if move.instead is None:
        raise Invalid("Name the tool to use instead of one on hold.", field="instead")


def _check_retired(move: RingMove) -> None:
    users = Usage.objects.live().filter(tool=move.tool).count()
    if users:
        sentence = f"{move.tool} is still used in {users} {'place' if users == 1 else 'places'}: move them first."
        raise Conflict(sentence)


RING_CHECKS: dict[str, Callable[[RingMove], None]] = {
    Ring.ADOPT: _check_adopt,
    Ring.HOLD: _check_hold,
    Ring.RETIRED: _check_retired,
}


def _ask(actor: User, move: RingMove) -> None:
    before = f"from {move.from_ring} " if move.from_ring else ""
    title = f"Move {move.tool} {before}to {move.to_ring}"
    move.approval = ask_board(actor=actor, title=title, digest=digest_of_move(move))
    move.save(update_fields=["approval"])


def _apply(actor: User, move: RingMove, at: datetime | None) -> None:
    position, opinion = _position_of(move.tool), Opinion.of_move(move)
    if (position.ring if position else "") != move.from_ring:
        raise Conflict(f"{move.tool} has moved meanwhile; withdraw this and propose it again.")
    if position is None:
        _place(actor, move.tool, opinion, move.reason, at)
    else:
        _save(actor, position, opinion, move.reason, None, at)


def _place(actor: User, tool: Tool, opinion: Opinion, reason: str, at: datetime | None) -> Position:
    row = Position(tool=tool, since=_day(at), reviewed_on=_day(at), **vars(opinion))
    position = insert(row, taken=f"Somebody has just given {tool} a position; reload to see it.")
    record(actor=actor, action=Event.TOOL_PLACED, target=position, after={"ring": opinion.ring}, note=reason, at=at)
    return position


def _save(
    actor: User, position: Position, opinion: Opinion, reason: str, revision: int | None, at: datetime | None
) -> Position:
    before, after = difference(position, opinion)
    if not after:
        return position
    edited = changed(position, **vars(opinion))
    values = {name: getattr(opinion, name) for name in after}
    if "ring" in after:
        values |= {"since": _day(at), "reviewed_on": _day(at)}
    _compare_and_set(edited, values, revision or position.revision)
    event = Event.RING_MOVED if "ring" in after else Event.POSITION_EDITED
    record(actor=actor, action=event, target=position, before=before, after=after, note=reason, at=at)
    return Position.objects.get(pk=position.pk)


def _compare_and_set(position: Position, values: dict[str, object], revision: int) -> None:
    still = Position.objects.filter(pk=position.pk, revision=revision)
    if not still.update(**values, revision=revision + 1):
        raise Conflict(f"Somebody has edited the position of {position} meanwhile. Reload, look, and edit again.")


def _position_of(tool: Tool) -> Position | None:
    return Position.objects.select_related("owner", "team", "instead", "decision").filter(tool=tool).first()


def _lock(move: RingMove) -> None:
    """Nobody else decides about it until this transaction ends."""
    move.refresh_from_db(from_queryset=RingMove.objects.select_for_update())


def _open_question(move: RingMove) -> Approval:
    if move.status != Status.PROPOSED or move.approval is None:
        raise Conflict(f"The move of {move} is {move.status} already; there is nothing left to decide.")
    return move.approval


def _check_people(opinion: Opinion) -> None:
    check_open(decision=opinion.decision)
    if opinion.owner is not None and not opinion.owner.is_active:
        raise Invalid(f"{opinion.owner} is no longer active; choose another owner.", field="owner")


def _day(at: datetime | None) -> date | TruncDate:
    return at.date() if at else TruncDate(Now())


def _today() -> date:
    return timezone.localdate()
