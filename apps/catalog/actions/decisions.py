"""Decisions as they are written: drafted and edited, until they are proposed. What follows is in `deciding`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from apps.audit.actions import record
from apps.catalog.checking import changed, difference, insert
from apps.catalog.costs import problem_of
from apps.catalog.events import Event
from apps.catalog.models import Capability, Decision, FeatureGap, Option, Tool
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require

if TYPE_CHECKING:
    from apps.accounts.models import Team, User

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
    visibility: str = Decision.Visibility.EVERYONE
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
    check_as_open(older=text.renews, newer=text)
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
    _check_named(locked, text)
    before, after = difference(locked, text)
    if not after and options is None:
        return locked
    edited = changed(locked, **vars(text))
    edited.save(update_fields=[*after])
    if options is not None:
        _replace_options(edited, options)
    record(actor=actor, action=Event.DECISION_EDITED, target=edited, before=before, after=after)
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


def check_as_open(*, older: Decision | None, newer: Decision | Text) -> None:
    """Two decisions that name each other are seen by the same people, else one would tell of the other."""
    if older and (older.visibility, older.is_restricted and older.team) != (newer.visibility, _keepers(newer)):
        raise Invalid(f"It has to be seen by the same people as {older.label}: give both the same team.", field="by")


def _keepers(one: Decision | Text) -> Team | bool | None:
    return one.visibility == Decision.Visibility.TEAMS and one.team


def _check_named(decision: Decision, text: Text) -> None:
    """What a page for everybody names can not be restricted any more."""
    check_as_open(older=text.renews, newer=text)
    named = (decision.positions, decision.ringmoves, decision.requests)
    if text.visibility == Decision.Visibility.TEAMS and any(things.exists() for things in named):
        raise Invalid(
            "A position, a ring or a request that everybody reads names it: it stays open.", field="visibility"
        )


def check_open(*, decision: Decision | None) -> None:
    """Raises Invalid for a restricted decision where everybody would read of it."""
    if decision is not None and decision.is_restricted:
        raise Invalid(
            f"Not everybody may see {decision.label}: name another decision, or open that one.", field="decision"
        )


def _is_criterion(criterion: Any) -> bool:
    named = isinstance(criterion, dict) and isinstance(criterion.get("name"), str) and 0 < len(criterion["name"]) <= 60
    return named and isinstance(criterion.get("weight"), int) and 1 <= criterion["weight"] <= HIGHEST_SCORE


def _today() -> date:
    return timezone.localdate()


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
