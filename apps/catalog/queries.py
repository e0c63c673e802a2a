"""Reads of the catalog. Each takes a constant number of database queries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db.models import Count, Prefetch, Q, QuerySet

from apps.accounts.rules import is_board
from apps.audit.queries import timeline
from apps.catalog.models import Capability, Decision, Option, Position, Tool
from apps.core.errors import Missing

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.audit.models import AuditEvent

LABEL = re.compile(r"ADR-([0-9]{1,9})")
LONGEST_HISTORY = 50
"""Events shown below a tool or decision."""


def capabilities(*, actor: User) -> QuerySet[Capability]:
    """Every need, as the work flows."""
    return Capability.objects.visible_to(actor).in_order()


def capability(*, actor: User, slug: str) -> Capability:
    """Raises Missing."""
    found = Capability.objects.visible_to(actor).filter(slug=slug).first()
    if found is None:
        raise Missing(f"There is no capability {slug!r} in the catalog.")
    return found


def tools(*, actor: User) -> QuerySet[Tool]:
    """Every tool with its position, grouped by capability, the most recommended first."""
    related = ("capability", "position__owner", "position__team", "position__decision", "position__instead")
    return Tool.objects.visible_to(actor).select_related(*related).in_order()


def tool(*, actor: User, slug: str) -> Tool:
    """Raises Missing."""
    found = tools(actor=actor).filter(slug=slug).first()
    if found is None:
        raise Missing(f"There is no tool {slug!r} in the catalog.")
    return found


def counts_by_ring(tools: QuerySet[Tool]) -> dict[str, int]:
    """How many of these tools are in each ring; key "none" for those without a position."""
    counted = tools.order_by().values_list("position__ring").annotate(Count("pk"))
    found = {ring or "none": number for ring, number in counted}
    return {ring: found.get(ring, 0) for ring in (*Position.Ring.values, "none")}


def decisions(*, actor: User) -> QuerySet[Decision]:
    """Newest number first, with options and their tools."""
    related = ("capability", "author", "proposer", "decided_by", "superseded_by")
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


def waiting_for(user: User) -> QuerySet[Decision]:
    """Proposals that this member of the board can accept; none for everybody else."""
    if not is_board(user):
        return Decision.objects.none()
    others = decisions(actor=user).exclude(Q(author=user) | Q(proposer=user))
    return others.filter(status=Decision.Status.PROPOSED)


def history(*targets: Tool | Position | Decision) -> list[AuditEvent]:
    """What happened to them, the newest first. The caller has them from a query of this module."""
    return list(timeline(*targets).order_by("-at", "-id")[:LONGEST_HISTORY])
