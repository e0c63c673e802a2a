"""Reads of decisions. Each takes a constant number of database queries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from apps.accounts.rules import is_board
from apps.approvals import queries as approvals
from apps.catalog.costs import Cost, cost_of, missing, weighted
from apps.catalog.facts import facts_of, then_and_now
from apps.catalog.models import Decision, Option, Position, RingMove, Tool, Usage
from apps.core.errors import Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.accounts.models import User
    from apps.approvals.models import Vote

LABEL = re.compile(r"ADR-([0-9]{1,9})")


def decisions(*, actor: User) -> QuerySet[Decision]:
    """Newest number first, with options and their tools."""
    related = (
        *("capability", "author", "proposer", "decided_by", "superseded_by", "owner", "team", "tool", "moves_from"),
        *("trigger_tool", "trigger_gap", "renews", "approval"),
    )
    options = Prefetch("options", Option.objects.select_related("tool"))
    found = Decision.objects.visible_to(actor).select_related(*related).prefetch_related(options)
    return found.order_by("-number")


def decision(*, actor: User, label: str) -> Decision:
    """By its label (ADR-0007), with the tools whose position it explains and what it supersedes. Raises Missing."""
    positions = Prefetch("positions", Position.objects.select_related("tool").order_by("tool__name"))
    related = decisions(actor=actor).prefetch_related(positions, "supersedes", "renewed_by")
    number = LABEL.fullmatch(label)
    found = related.filter(number=number[1]).first() if number else None
    if found is None:
        raise Missing(f"There is no decision {label!r} in the catalog.")
    return found


def considered_in(*, actor: User, tool: Tool) -> QuerySet[Decision]:
    """Decisions in which the tool was an option, but for the one behind its position; newest first."""
    considered = Decision.objects.visible_to(actor).filter(options__in=tool.options.all())
    return considered.exclude(positions__tool=tool).distinct().order_by("-number")


def votes_of(decision: Decision) -> list[Vote]:
    """Who of the board said what to the proposal that is open or was decided last."""
    return list(approvals.votes_of(decision.approval)) if decision.approval else []


def waiting_for(user: User, questions: Sequence[int] | None = None) -> QuerySet[Decision]:
    """Proposals that this member of the board can accept; none for everybody else.

    `questions`: the open ones to this person, where they are known already.
    """
    if not is_board(user):
        return Decision.objects.none()
    others = _outlines(user).exclude(Q(author=user) | Q(proposer=user))
    asked = approvals.waiting_for(user) if questions is None else questions
    return others.filter(status=Decision.Status.PROPOSED, approval__in=asked)


def moves_waiting_for(user: User, questions: Sequence[int] | None = None) -> QuerySet[RingMove]:
    """Proposed rings that this member of the board can decide about; `questions` as in `waiting_for`."""
    if not is_board(user):
        return RingMove.objects.none()
    open_moves = RingMove.objects.visible_to(user).filter(status=RingMove.Status.PROPOSED)
    asked = approvals.waiting_for(user) if questions is None else questions
    return open_moves.filter(approval__in=asked).select_related("tool", "proposer").order_by("id")


def due_for(user: User) -> QuerySet[Decision]:
    """Decisions and exceptions whose day or trigger has come, and that this person is reminded of."""
    due = _outlines(user).filter(due_since__isnull=False)
    mine = Q(owner=user) | Q(owner=None, proposer=user)
    return due.filter(mine | Q(owner=None)) if is_board(user) else due.filter(mine)


def _outlines(user: User) -> QuerySet[Decision]:
    """What a line about a decision says, and no more; the newest first."""
    return Decision.objects.visible_to(user).select_related("capability", "proposer").order_by("-number")


def active_exceptions(*, actor: User) -> QuerySet[Decision]:
    """Accepted and not yet over, the next to end first."""
    held = decisions(actor=actor).filter(kind=Decision.Kind.EXCEPTION, status=Decision.Status.ACCEPTED)
    return held.filter(expires_on__gte=timezone.localdate()).order_by("expires_on")


@dataclass(frozen=True)
class Weighed:
    """An option with what follows from its inputs: its weighted score (0 to 5) and its cost, where there are inputs."""

    option: Option
    score: float | None
    cost: Cost | None
    missing: list[str]

    @classmethod
    def of(cls, option: Option, criteria: list[dict[str, Any]]) -> Self:
        score = weighted(criteria, option.scores)
        return cls(option, score, cost_of(option.costs), missing(option.costs))


def renewals_of(decision: Decision) -> int:
    """How often an exception was renewed until it became this one."""
    count, older = 0, decision.renews
    while older is not None:
        count, older = count + 1, older.renews
    return count


def then_and_now_of(*, actor: User, decision: Decision) -> list[tuple[Tool, list[tuple[str, str, str]]]]:
    """Of each tool whose facts were frozen with the decision: what, then, now."""
    then = dict(decision.known).get("tools", {})
    found = Tool.objects.visible_to(actor).filter(slug__in=list(then)).select_related("position")
    return [(tool, then_and_now(then[tool.slug], facts_of(tool))) for tool in found]


@dataclass(frozen=True)
class BurnDown:
    """How far a migration is: every use of the old tool since it was decided, those that have ended, those left."""

    whole: int
    done: int
    left: list[Usage]
    overdue: bool


def burn_down(*, actor: User, decision: Decision) -> BurnDown:
    """From the uses themselves; nothing is typed twice."""
    uses = Usage.objects.visible_to(actor).filter(tool=decision.moves_from).select_related("team")
    begun = Q(until=None) | Q(until__gte=decision.decided_on) if decision.decided_on else Q()
    found = list(uses.filter(begun).order_by("name"))
    left = [usage for usage in found if usage.until is None]
    late = decision.move_by is not None and decision.move_by < timezone.localdate() and bool(left)
    return BurnDown(len(found), len(found) - len(left), left, late)


@dataclass(frozen=True)
class Waiting:
    """Decisions to wait, and what they brought: how many the world has answered, and the person-weeks not spent."""

    open: list[Decision]
    over: list[Decision]
    met: int
    weeks: int


def waiting(*, actor: User) -> Waiting:
    """Open ones first by the day to look again."""
    found = list(decisions(actor=actor) & Decision.objects.postponed())
    still = sorted((one for one in found if one.is_open), key=lambda one: one.look_again_on or date.max)
    over = [one for one in found if not one.is_open]
    met = [one for one in found if one.trigger_met_on]
    return Waiting(still, over, len(met), sum(one.weeks_saved or 0 for one in met))


def costs_of(*, actor: User, tool: Tool) -> list[tuple[Decision, Weighed]]:
    """What the tool was estimated to cost, in each decision that has the inputs for a number."""
    asked = Option.objects.filter(tool=tool, decision__in=Decision.objects.visible_to(actor))
    weighed = [Weighed.of(option, []) for option in asked.select_related("decision").order_by("-decision__number")]
    return [(one.option.decision, one) for one in weighed if one.cost]
