"""Reads of capabilities and tools. Each takes a constant number of database queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce

from apps.audit.queries import timeline
from apps.catalog.models import Capability, Decision, Position, RingMove, Tool, ToolRequest
from apps.core.errors import Missing

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.audit.models import AuditEvent

MOST_SUGGESTED = 400
LONGEST_HISTORY = 50
"""Events shown below a tool or decision."""
LISTED = (
    *("slug", "name", "summary", "ecosystem", "capability__name", "capability__need"),
    *("position__ring", "position__next_review", "position__owner__name", "position__owner__username"),
)


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
    found = Tool.objects.visible_to(actor).select_related(*related)
    return found.prefetch_related("position__experts").in_order()


def tool(*, actor: User, slug: str) -> Tool:
    """Raises Missing."""
    found = tools(actor=actor).filter(slug=slug).first()
    if found is None:
        raise Missing(f"There is no tool {slug!r} in the catalog.")
    return found


def tool_names(*, actor: User) -> list[tuple[str, str]]:
    """(slug, name) of tools to suggest while somebody types, those with a position first."""
    known = Tool.objects.visible_to(actor).order_by(F("position").asc(nulls_last=True), "name")
    return list(known.values_list("slug", "name")[:MOST_SUGGESTED])


def counts_by_ring(tools: QuerySet[Tool]) -> dict[str, int]:
    """How many of these tools are in each ring; key "none" for those without a position."""
    counted = tools.order_by().values_list("position__ring").annotate(Count("pk"))
    found = {ring or "none": number for ring, number in counted}
    return {ring: found.get(ring, 0) for ring in (*Position.Ring.values, "none")}


def listed(*, actor: User) -> QuerySet[Tool]:
    """Every tool with what a list shows of it: capability, ring, owner, next review; nothing else is read."""
    found = Tool.objects.visible_to(actor).select_related("capability", "position__owner")
    return found.only(*LISTED).in_order()


def with_use(found: QuerySet[Tool]) -> QuerySet[Tool]:
    """The same tools, each with `users`: how many live uses it has. Count and narrow the tools before."""
    live = Count("usages__name", filter=Q(usages__until=None), distinct=True)
    return found.annotate(users=live)


def moves(*, actor: User) -> QuerySet[RingMove]:
    """Proposals to move a tool, and those that were decided, the newest first: a move counts from its own day."""
    related = ("tool__capability", "proposer", "approval", "owner", "team", "instead", "decision")
    return (
        RingMove.objects.visible_to(actor)
        .select_related(*related)
        .order_by(Coalesce("applied_on", "proposed_on").desc(), "-id")
    )


def move(*, actor: User, pk: int) -> RingMove:
    """Raises Missing."""
    found = moves(actor=actor).filter(pk=pk).first()
    if found is None:
        raise Missing("There is no such proposal of a ring.")
    return found


def history(*targets: Tool | Position | Decision | ToolRequest) -> list[AuditEvent]:
    """What happened to them, the newest first. The caller has them from a query of this module."""
    return list(timeline(*targets).order_by("-at", "-id")[:LONGEST_HISTORY])
