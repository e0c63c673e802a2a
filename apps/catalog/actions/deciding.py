"""What the board says to a decision: asked, accepted by somebody else, superseded or closed, never edited."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now, TruncDate
from django.utils import timezone

from apps.audit.actions import record
from apps.catalog.actions.decisions import check_as_open
from apps.catalog.checking import changed, check_reason
from apps.catalog.events import Event
from apps.catalog.facts import frozen_facts
from apps.catalog.models import Decision
from apps.catalog.voting import ask_board, digest_of_decision, say_no, say_yes, take_back
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.transitions import move

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Approval

Status = Decision.Status


@transaction.atomic
def propose_decision(*, actor: User, decision: Decision, at: datetime | None = None) -> Decision:
    """Asks the board, but for its author and its proposer."""
    require(actor, "catalog.edit_decision", decision)
    if not decision.options.exists() and not decision.is_exception:
        raise Invalid("Name at least one option that was considered before you propose it.", field="options")
    _move(decision, Status.PROPOSED, proposer=actor)
    _ask(actor, decision)
    record(actor=actor, action=Event.DECISION_PROPOSED, target=decision, at=at)
    return decision


@transaction.atomic
def withdraw_decision(*, actor: User, decision: Decision, reason: str = "") -> Decision:
    """Whoever wrote or proposed it takes it back: it is a draft again."""
    require(actor, "catalog.withdraw_decision", decision)
    _lock(decision)
    if decision.status != Status.PROPOSED:
        raise Conflict(f"{decision.label} is {decision.status}; only a proposal can be withdrawn.")
    take_back(actor=actor, approval=decision.approval)
    move(decision, Status.DRAFT)
    record(actor=actor, action=Event.DECISION_WITHDRAWN, target=decision, note=reason)
    return decision


@transaction.atomic
def send_back_decision(*, actor: User, decision: Decision, reason: str) -> Decision:
    """One no of the board: a proposal becomes a draft again, with the reason."""
    require(actor, "catalog.conclude", decision)
    check_reason(reason, "Say what has to be reworked.")
    _lock(decision)
    if decision.status == Status.PROPOSED:
        say_no(actor=actor, approval=_open_question(decision), digest=digest_of_decision(decision), reason=reason)
    move(decision, Status.DRAFT)
    record(actor=actor, action=Event.DECISION_SENT_BACK, target=decision, note=reason)
    return decision


@transaction.atomic
def accept_decision(
    *,
    actor: User,
    decision: Decision,
    note: str = "",
    digest: str = "",
    known: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Decision:
    """One yes of the board; with the last one that is needed it holds from now on (or since `at`).

    It needs an outcome, and a chosen option unless we wait. What is known about its tools is frozen with it.
    `digest` is of what the voter looked at. For history that is written down later (`at`), `known` says what was known
    then; without it nothing is claimed.
    """
    require(actor, "catalog.decide", decision)
    _lock(decision)
    _check_chosen(decision)
    if decision.status == Status.PROPOSED:
        changed(decision, status=Status.ACCEPTED, decided_by=actor, decided_on=_day(at))
    approval, digest = _open_question(decision), digest or digest_of_decision(decision)
    if not say_yes(actor=actor, approval=approval, digest=digest, note=note):
        record(actor=actor, action=Event.DECISION_APPROVED, target=decision, note=note, at=at)
        return decision
    known = (known or {}) if at else frozen_facts(decision, timezone.localdate())
    move(decision, Status.ACCEPTED, decided_by=actor, decided_on=_day(at), known=known)
    record(actor=actor, action=Event.DECISION_ACCEPTED, target=decision, note=note, at=at)
    _replace_renewed(actor, decision, at)
    return decision


@transaction.atomic
def supersede_decision(*, actor: User, decision: Decision, by: Decision, at: datetime | None = None) -> Decision:
    """Another accepted decision takes its place; both stay readable."""
    require(actor, "catalog.conclude", decision)
    newer = Decision.objects.select_for_update().get(pk=by.pk)
    if newer.pk == decision.pk or newer.status != Status.ACCEPTED:
        raise Invalid(f"{newer.label} can not take its place: choose another, accepted decision.", field="by")
    check_as_open(older=decision, newer=newer)
    move(decision, Status.SUPERSEDED, superseded_by=newer, **Decision.NOT_DUE)
    record(actor=actor, action=Event.DECISION_SUPERSEDED, target=decision, after={"by": newer.label}, at=at)
    return decision


@transaction.atomic
def close_decision(
    *, actor: User, decision: Decision, reason: str, trigger_met_on: date | None = None, at: datetime | None = None
) -> Decision:
    """It no longer applies: its trigger came (say when), or nobody needs it any more."""
    require(actor, "catalog.conclude", decision)
    check_reason(reason, "Say why it is closed, for example what the outside world delivered.")
    _lock(decision)
    take_back(actor=actor, approval=decision.approval)
    met: dict[str, Any] = {"trigger_met_on": trigger_met_on} if trigger_met_on else {}
    _move(decision, Status.CLOSED, closed_because=reason, **met, **Decision.NOT_DUE)
    record(actor=actor, action=Event.DECISION_CLOSED, target=decision, note=reason, at=at)
    return decision


def _replace_renewed(actor: User, decision: Decision, at: datetime | None) -> None:
    """An exception that still holds gives way to the one that renews it; one that has ended stays as it ended."""
    older = decision.renews
    if older is not None and older.status == Status.ACCEPTED:
        supersede_decision(actor=actor, decision=older, by=decision, at=at)


def _check_chosen(decision: Decision) -> None:
    waits = decision.sourcing == Decision.Sourcing.POSTPONE or decision.is_exception
    if not waits and not decision.options.filter(chosen=True).exists():
        raise Invalid("Choose one of the options before it is accepted.", field="options")


def _ask(actor: User, decision: Decision) -> None:
    digest = digest_of_decision(decision)
    decision.approval = ask_board(actor=actor, title=str(decision), digest=digest, authors=[decision.author])
    decision.save(update_fields=["approval"])


def _open_question(decision: Decision) -> Approval:
    if decision.status != Status.PROPOSED or decision.approval is None:
        raise Conflict(f"{decision.label} is {decision.get_status_display().lower()} and can not become accepted.")
    return decision.approval


def _lock(decision: Decision) -> None:
    """Nobody else decides about it until this transaction ends."""
    decision.refresh_from_db(from_queryset=Decision.objects.select_for_update())


def _day(at: datetime | None) -> date | TruncDate:
    return at.date() if at else TruncDate(Now())


def _move(decision: Decision, to: Status, *, guard: dict[str, object] | None = None, **values: object) -> None:
    """`move`, but a decision that does not say enough for the new status is refused with its model's sentence."""
    if to in Decision.ALLOWED[decision.status]:
        changed(decision, status=to, **values)
    move(decision, to, guard=guard, **values)
