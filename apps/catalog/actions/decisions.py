"""Decisions: drafted, proposed, accepted by somebody else, superseded or closed, never edited afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now, TruncDate
from django.utils import timezone

from apps.audit.actions import record
from apps.catalog.checking import changed, difference, insert
from apps.catalog.costs import problem_of
from apps.catalog.events import Event
from apps.catalog.facts import frozen_facts
from apps.catalog.models import Capability, Decision, FeatureGap, Option, Tool
from apps.catalog.voting import ask_board, digest_of_decision, say_no, say_yes, take_back
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.transitions import move

if TYPE_CHECKING:
    from apps.accounts.models import Team, User
    from apps.approvals.models import Approval

MOST_OPTIONS = 20
MOST_CRITERIA = 12
HIGHEST_SCORE = 5
LONGEST_EXCEPTION = timedelta(days=366)
NUMBERS_LOCK = 4_210_877
"""Advisory lock of the next number; any constant that no other lock of the portal uses."""
Status = Decision.Status


@dataclass(frozen=True)
class Text:
    """What a decision says; the long texts are Markdown.

    Waiting (postpone) needs `revisit_on`; an exception needs tool, team and `expires_on`; a migration (`moves_from`)
    needs a deadline. `criteria` are `{"name", "weight"}` by which options are scored.
    """

    title: str
    capability: Capability
    sourcing: str
    kind: str = Decision.Kind.DECISION
    context: str = ""
    drivers: str = ""
    outcome: str = ""
    consequences: str = ""
    confirmation: str = ""
    criteria: list[dict[str, Any]] = field(default_factory=list)
    revisit_on: date | None = None
    trigger: str = ""
    trigger_kind: str = Decision.Trigger.MANUAL
    trigger_tool: Tool | None = None
    trigger_gap: FeatureGap | None = None
    trigger_limit: int | None = None
    weeks_saved: int | None = None
    owner: User | None = None
    team: Team | None = None
    tool: Tool | None = None
    expires_on: date | None = None
    renews: Decision | None = None
    moves_from: Tool | None = None
    move_by: date | None = None
    guide: str = ""

    @classmethod
    def of(cls, decision: Decision) -> Self:
        return cls(**{field.name: getattr(decision, field.name) for field in fields(cls)})


@dataclass(frozen=True)
class OptionDraft:
    """A way that is considered: a tool of the catalog, or a label such as “build it ourselves”.

    `scores` by criterion from 0 to 5; `costs` are the inputs of `catalog.costs`.
    """

    label: str = ""
    tool: Tool | None = None
    chosen: bool = False
    why: str = ""
    sourcing: str = ""
    scores: dict[str, Any] = field(default_factory=dict)
    costs: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def draft_decision(
    *,
    actor: User,
    text: Text,
    options: Sequence[OptionDraft] = (),
    number: int | None = None,
    at: datetime | None = None,
) -> Decision:
    """A draft with the next number, or the given one (imports). Raises Exists for a number that is taken.

    An exception is asked for by a lead of its team, too.
    """
    _require_to_write(actor, text)
    _check_text(text, at)
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
    require(actor, "catalog.edit_decision", decision)
    _require_to_write(actor, text)
    locked = Decision.objects.select_for_update().get(pk=decision.pk)
    if locked.status != Status.DRAFT:
        raise Conflict(f"{locked.label} is {locked.status}: send it back to edit it, or write one that supersedes it.")
    _check_text(text, None)
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
    _check_reason(reason, "Say what has to be reworked.")
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
    known = (known or {}) if at else frozen_facts(decision, _today())
    move(decision, Status.ACCEPTED, decided_by=actor, decided_on=_day(at), known=known)
    record(actor=actor, action=Event.DECISION_ACCEPTED, target=decision, note=note, at=at)
    return decision


@transaction.atomic
def supersede_decision(*, actor: User, decision: Decision, by: Decision, at: datetime | None = None) -> Decision:
    """Another accepted decision takes its place; both stay readable."""
    require(actor, "catalog.conclude", decision)
    newer = Decision.objects.select_for_update().get(pk=by.pk)
    if newer.pk == decision.pk or newer.status != Status.ACCEPTED:
        raise Invalid(f"{newer.label} can not take its place: choose another, accepted decision.", field="by")
    move(decision, Status.SUPERSEDED, superseded_by=newer, **NOT_DUE)
    record(actor=actor, action=Event.DECISION_SUPERSEDED, target=decision, after={"by": newer.label}, at=at)
    return decision


@transaction.atomic
def close_decision(
    *, actor: User, decision: Decision, reason: str, trigger_met_on: date | None = None, at: datetime | None = None
) -> Decision:
    """It no longer applies: its trigger came (say when), or nobody needs it any more."""
    require(actor, "catalog.conclude", decision)
    _check_reason(reason, "Say why it is closed, for example what the outside world delivered.")
    _lock(decision)
    take_back(actor=actor, approval=decision.approval)
    met: dict[str, Any] = {"trigger_met_on": trigger_met_on} if trigger_met_on else {}
    _move(decision, Status.CLOSED, closed_because=reason, **met, **NOT_DUE)
    record(actor=actor, action=Event.DECISION_CLOSED, target=decision, note=reason, at=at)
    return decision


@transaction.atomic
def postpone_again(*, actor: User, decision: Decision, until: date, reason: str) -> Decision:
    """Somebody has looked, and waiting is still right: it is looked at again on `until`."""
    require(actor, "catalog.look_again", decision)
    _check_reason(reason, "Say why it is still right to wait.")
    if until <= _today():
        raise Invalid("Choose a day in the future on which to look again.", field="until")
    _lock(decision)
    if decision.status != Status.ACCEPTED or decision.look_again_on is None:
        raise Conflict(f"{decision.label} does not wait for anything.")
    values = {"postponed_to": until, "postponed_times": decision.postponed_times + 1, **NOT_DUE}
    Decision.objects.filter(pk=decision.pk).update(**values)
    record(actor=actor, action=Event.DECISION_POSTPONED, target=decision, after={"until": str(until)}, note=reason)
    decision.refresh_from_db()
    return decision


@transaction.atomic
def look_back(*, actor: User, decision: Decision, verdict: str, text: str = "", at: datetime | None = None) -> Decision:
    """Was it right, seen from now? `verdict` is one of Decision.Verdict, `text` Markdown."""
    require(actor, "catalog.look_back", decision)
    if decision.decided_on is None:
        raise Conflict(f"{decision.label} is not decided yet; there is nothing to look back at.")
    day = at.date() if at else _today()
    before = {"verdict": decision.verdict}
    edited = changed(decision, verdict=verdict, looking_back=text, looked_back_on=day, **NOT_DUE)
    if not verdict:
        raise Invalid("Say whether it was right, wrong, too early, too late, or still unclear.", field="verdict")
    edited.save(update_fields=["verdict", "looking_back", "looked_back_on", *NOT_DUE])
    record(actor=actor, action=Event.DECISION_LOOKED_BACK, target=edited, before=before, after={"verdict": verdict},
           note=text[:500], at=at)  # fmt: skip
    return edited


def _require_to_write(actor: User, text: Text) -> None:
    if text.kind == Decision.Kind.EXCEPTION:
        require(actor, "catalog.ask_exception", text.team)
    else:
        require(actor, "catalog.write_decision")


def _check_text(text: Text, at: datetime | None) -> None:
    if len(text.criteria) > MOST_CRITERIA or not all(map(_is_criterion, text.criteria)):
        sentence = f"Criteria are at most {MOST_CRITERIA} names with a weight from 1 to 5."
        raise Invalid(sentence, field="criteria")
    begins = at.date() if at else _today()
    if text.expires_on and not begins < text.expires_on <= begins + LONGEST_EXCEPTION:
        raise Invalid("An exception ends within the next twelve months.", field="expires_on")


def _is_criterion(criterion: Any) -> bool:
    named = isinstance(criterion, dict) and isinstance(criterion.get("name"), str) and 0 < len(criterion["name"]) <= 60
    return named and isinstance(criterion.get("weight"), int) and 1 <= criterion["weight"] <= HIGHEST_SCORE


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


def _today() -> date:
    return timezone.localdate()


NOT_DUE: dict[str, Any] = {"due_since": None, "due_because": ""}


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
    row = Option(decision=decision, **vars(option) | {"label": label})
    if problem := _problem_of(option):
        raise Invalid(f"Option {label!r}: {problem}", field="options")
    try:
        row.clean_fields(exclude=["decision"])
    except ValidationError as error:
        raise Invalid(f"Option {label!r}: {' '.join(error.messages)}", field="options") from error
    return row


def _problem_of(option: OptionDraft) -> str:
    scores = option.scores.values() if isinstance(option.scores, dict) else [None]
    if not all(isinstance(score, int | float) and 0 <= score <= HIGHEST_SCORE for score in scores):
        return f"scores are numbers from 0 to {HIGHEST_SCORE}, by criterion."
    return problem_of(option.costs) if isinstance(option.costs, dict) else "its costs are inputs by name."


def _move(decision: Decision, to: Status, *, guard: dict[str, object] | None = None, **values: object) -> None:
    """`move`, but a decision that does not say enough for the new status is refused with its model's sentence."""
    if to in Decision.ALLOWED[decision.status]:
        changed(decision, status=to, **values)
    move(decision, to, guard=guard, **values)


def _check_reason(reason: str, sentence: str) -> None:
    if not reason.strip():
        raise Invalid(sentence, field="reason")
