"""Decisions: drafted, proposed, accepted by somebody else, superseded or closed, never edited afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now, TruncDate

from apps.audit.actions import record
from apps.catalog.checking import changed, difference, insert
from apps.catalog.events import Event
from apps.catalog.models import Capability, Decision, Option, Tool
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.transitions import move

if TYPE_CHECKING:
    from apps.accounts.models import User

MOST_OPTIONS = 20
NUMBERS_LOCK = 4_210_877
"""Advisory lock of the next number; any constant that no other lock of the portal uses."""
Status = Decision.Status


@dataclass(frozen=True)
class Text:
    """What a decision says. `context` and `outcome` are Markdown; waiting (postpone) needs `revisit_on`."""

    title: str
    capability: Capability
    sourcing: str
    context: str = ""
    outcome: str = ""
    revisit_on: date | None = None
    trigger: str = ""

    @classmethod
    def of(cls, decision: Decision) -> Self:
        return cls(**{field.name: getattr(decision, field.name) for field in fields(cls)})


@dataclass(frozen=True)
class OptionDraft:
    """A way that is considered: a tool of the catalog, or a label such as “build it ourselves”."""

    label: str = ""
    tool: Tool | None = None
    chosen: bool = False
    why: str = ""


@transaction.atomic
def draft_decision(
    *,
    actor: User,
    text: Text,
    options: Sequence[OptionDraft] = (),
    number: int | None = None,
    at: datetime | None = None,
) -> Decision:
    """A draft with the next number, or the given one (imports). Raises Exists for a number that is taken."""
    require(actor, "catalog.write_decision")
    row = Decision(number=number or _next_number(), author=actor, **vars(text))
    decision = insert(row, taken=f"There is already a decision {row.label}.")
    _replace_options(decision, options)
    after = {"title": text.title, "sourcing": text.sourcing}
    record(actor=actor, action=Event.DECISION_DRAFTED, target=decision, after=after, at=at)
    return decision


@transaction.atomic
def edit_decision(
    *, actor: User, decision: Decision, text: Text, options: Sequence[OptionDraft] | None = None
) -> Decision:
    """Only a draft can be edited; `options` replace the ones there were, None leaves them."""
    require(actor, "catalog.write_decision", decision)
    locked = Decision.objects.select_for_update().get(pk=decision.pk)
    if locked.status != Status.DRAFT:
        raise Conflict(f"{locked.label} is {locked.status}: send it back to edit it, or write one that supersedes it.")
    before, after = difference(locked, text)
    if not after and options is None:
        return locked
    edited = changed(locked, **vars(text))
    edited.save(update_fields=[*after])
    if options is not None:
        _replace_options(edited, options)
    record(actor=actor, action=Event.DECISION_EDITED, target=edited, before=before, after=after)
    return edited


@transaction.atomic
def propose_decision(*, actor: User, decision: Decision, at: datetime | None = None) -> Decision:
    """From now on the board can accept it, but for its author and its proposer."""
    require(actor, "catalog.write_decision", decision)
    if not decision.options.exists():
        raise Invalid("Name at least one option that was considered before you propose it.", field="options")
    _move(decision, Status.PROPOSED, proposer=actor)
    record(actor=actor, action=Event.DECISION_PROPOSED, target=decision, at=at)
    return decision


@transaction.atomic
def send_back_decision(*, actor: User, decision: Decision, reason: str) -> Decision:
    """A proposal becomes a draft again, with the reason."""
    require(actor, "catalog.conclude", decision)
    _check_reason(reason, "Say what has to be reworked.")
    move(decision, Status.DRAFT)
    record(actor=actor, action=Event.DECISION_SENT_BACK, target=decision, note=reason)
    return decision


@transaction.atomic
def accept_decision(*, actor: User, decision: Decision, note: str = "", at: datetime | None = None) -> Decision:
    """The decision holds from now on (or since `at`). It needs an outcome, and a chosen option unless we wait."""
    require(actor, "catalog.decide", decision)
    waits = decision.sourcing == Decision.Sourcing.POSTPONE
    if not waits and not decision.options.filter(chosen=True).exists():
        raise Invalid("Choose one of the options before it is accepted.", field="options")
    today = at.date() if at else TruncDate(Now())
    _move(decision, Status.ACCEPTED, guard={"proposer": decision.proposer}, decided_by=actor, decided_on=today)
    record(actor=actor, action=Event.DECISION_ACCEPTED, target=decision, note=note, at=at)
    return decision


@transaction.atomic
def supersede_decision(*, actor: User, decision: Decision, by: Decision, at: datetime | None = None) -> Decision:
    """Another accepted decision takes its place; both stay readable."""
    require(actor, "catalog.conclude", decision)
    newer = Decision.objects.select_for_update().get(pk=by.pk)
    if newer.pk == decision.pk or newer.status != Status.ACCEPTED:
        raise Invalid(f"{newer.label} can not take its place: choose another, accepted decision.", field="by")
    move(decision, Status.SUPERSEDED, superseded_by=newer)
    record(actor=actor, action=Event.DECISION_SUPERSEDED, target=decision, after={"by": newer.label}, at=at)
    return decision


@transaction.atomic
def close_decision(*, actor: User, decision: Decision, reason: str, at: datetime | None = None) -> Decision:
    """It no longer applies: its trigger came, or nobody needs it any more."""
    require(actor, "catalog.conclude", decision)
    _check_reason(reason, "Say why it is closed, for example what the outside world delivered.")
    _move(decision, Status.CLOSED, closed_because=reason)
    record(actor=actor, action=Event.DECISION_CLOSED, target=decision, note=reason, at=at)
    return decision


def _next_number() -> int:
    """One more than the highest; the lock holds until the transaction ends, so two drafts never get the same."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS_LOCK])
    return (Decision.objects.aggregate(highest=Max("number"))["highest"] or 0) + 1


def _replace_options(decision: Decision, options: Sequence[OptionDraft]) -> None:
    rows = [_option(decision, option) for option in options]
    labels = [row.label for row in rows]
    if len(rows) > MOST_OPTIONS:
        raise Invalid(f"A decision has at most {MOST_OPTIONS} options.", field="options")
    if len(set(labels)) < len(labels):
        raise Invalid("Two options have the same name; name them apart.", field="options")
    if sum(row.chosen for row in rows) > 1:
        raise Invalid("Only one option can be the chosen one.", field="options")
    decision.options.all().delete()
    Option.objects.bulk_create(rows)


def _option(decision: Decision, option: OptionDraft) -> Option:
    label = option.label.strip() or (option.tool.name if option.tool else "")
    if not label:
        raise Invalid("Each option needs a tool of the catalog or a label of its own.", field="options")
    row = Option(decision=decision, label=label, tool=option.tool, chosen=option.chosen, why=option.why)
    try:
        row.clean_fields(exclude=["decision"])
    except ValidationError as error:
        raise Invalid(f"Option {label!r}: {' '.join(error.messages)}", field="options") from error
    return row


def _move(decision: Decision, to: Status, *, guard: dict[str, object] | None = None, **values: object) -> None:
    """`move`, but a decision that does not say enough for the new status is refused with its model's sentence."""
    if to in Decision.ALLOWED[decision.status]:
        changed(decision, status=to, **values)
    move(decision, to, guard=guard, **values)


def _check_reason(reason: str, sentence: str) -> None:
    if not reason.strip():
        raise Invalid(sentence, field="reason")
