"""Reads of decisions. Each takes a constant number of database queries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from apps.accounts.rules import is_board
from apps.approvals import queries as approvals
from apps.catalog.models import Decision, Option, Position, RingMove, Tool
from apps.core.errors import Missing

if TYPE_CHECKING:
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
    related = decisions(actor=actor).prefetch_related(positions, "supersedes")
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


def waiting_for(user: User) -> QuerySet[Decision]:
    """Proposals that this member of the board can accept; none for everybody else."""
    if not is_board(user):
        return Decision.objects.none()
    others = decisions(actor=user).exclude(Q(author=user) | Q(proposer=user))
    asked = approvals.waiting_for(user).values("pk")
    return others.filter(status=Decision.Status.PROPOSED, approval__in=asked)


def moves_waiting_for(user: User) -> QuerySet[RingMove]:
    """Proposed rings that this member of the board can decide about."""
    if not is_board(user):
        return RingMove.objects.none()
    open_moves = RingMove.objects.visible_to(user).filter(status=RingMove.Status.PROPOSED)
    asked = approvals.waiting_for(user).values("pk")
    return open_moves.filter(approval__in=asked).select_related("tool", "proposer").order_by("id")


def due_for(user: User) -> QuerySet[Decision]:
    """Decisions and exceptions whose day or trigger has come, and that this person is reminded of."""
    due = decisions(actor=user).filter(due_since__isnull=False)
    mine = Q(owner=user) | Q(owner=None, proposer=user)
    return due.filter(mine | Q(owner=None)) if is_board(user) else due.filter(mine)


def active_exceptions(*, actor: User) -> QuerySet[Decision]:
    """Accepted and not yet over, the next to end first."""
    held = decisions(actor=actor).filter(kind=Decision.Kind.EXCEPTION, status=Decision.Status.ACCEPTED)
    return held.filter(expires_on__gte=timezone.localdate()).order_by("expires_on")
