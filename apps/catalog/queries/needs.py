"""Reads of gaps, requests and usage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q, QuerySet

from apps.accounts.rules import is_board, is_catalog_editor
from apps.catalog.costs import Range
from apps.catalog.models import Capability, FeatureGap, Ring, Tool, ToolRequest, Usage
from apps.catalog.queries.tools import tools
from apps.core.errors import Missing

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


def gaps(*, actor: User) -> QuerySet[FeatureGap]:
    """Open gaps first, the most painful first."""
    found = FeatureGap.objects.visible_to(actor).select_related("tool__capability", "better", "reporter")
    return found.prefetch_related("hurts").order_by(F("closed_on").desc(nulls_first=True), "-pain", "id")


def gap(*, actor: User, pk: int) -> FeatureGap:
    """Raises Missing."""
    found = gaps(actor=actor).filter(pk=pk).first()
    if found is None:
        raise Missing(f"There is no feature gap {pk} in the catalog.")
    return found


@dataclass(frozen=True)
class GapTally:
    """How gaps end: `shipped` by their makers, of all `closed`."""

    open: int
    closed: int
    shipped: int


def gap_tally(*, actor: User) -> GapTally:
    seen = FeatureGap.objects.visible_to(actor)
    shipped = Q(upstream=FeatureGap.Upstream.SHIPPED)
    counted = seen.aggregate(
        open=Count("pk", filter=Q(closed_on=None)),
        closed=Count("pk", filter=Q(closed_on__isnull=False)),
        shipped=Count("pk", filter=shipped),
    )
    return GapTally(**counted)


def requests(*, actor: User) -> QuerySet[ToolRequest]:
    """Open requests first, the oldest of them first."""
    related = (
        "tool__position__decision",
        "capability",
        "team",
        "requester",
        "decision",
        "gap__tool",
        "duplicate_of__team",
        "answered_by",
    )
    found = ToolRequest.objects.visible_to(actor).select_related(*related)
    return found.order_by(F("answered_on").desc(nulls_first=True), "id")


def request(*, actor: User, pk: int) -> ToolRequest:
    """Raises Missing."""
    found = requests(actor=actor).filter(pk=pk).first()
    if found is None:
        raise Missing(f"There is no request {pk} for a tool.")
    return found


def requests_waiting_for(user: User) -> QuerySet[ToolRequest]:
    """Open requests that this editor or member of the board can answer."""
    if not (is_catalog_editor(user) or is_board(user)):
        return ToolRequest.objects.none()
    others = requests(actor=user).filter(status=ToolRequest.Status.OPEN).exclude(requester=user)
    return others.select_related(None).select_related("requester", "capability", "team")


def usages(*, actor: User) -> QuerySet[Usage]:
    """Who uses what now, by kind and name."""
    live = Usage.objects.visible_to(actor).live()
    return live.select_related("tool__position", "tool__capability", "team").order_by("kind", "name", "how")


def usage(*, actor: User, pk: int) -> Usage:
    """Raises Missing."""
    found = usages(actor=actor).filter(pk=pk).first()
    if found is None:
        raise Missing(f"Nobody uses anything under the number {pk} any more.")
    return found


def users_of(*, actor: User, tools: Iterable[Tool]) -> dict[int, int]:
    """How many live uses each of these tools has, by its key."""
    live = Usage.objects.visible_to(actor).live().filter(tool__in=list(tools))
    return dict(live.order_by().values_list("tool").annotate(Count("pk")))


def not_to_be_used(*, actor: User) -> QuerySet[Usage]:
    """Live uses of tools on hold, retired, or without a position."""
    astray = Q(tool__position=None) | Q(tool__position__ring__in=[Ring.HOLD, Ring.RETIRED])
    return usages(actor=actor).filter(astray).order_by("tool__name", "kind", "name")


def tools_by_distribution() -> dict[str, Tool]:
    """Tools that have distributions, by the normal form of each name."""
    known = Tool.objects.exclude(pypi_name="").only("pk", "name", "pypi_name")
    return {name: tool for tool in known for name in tool.distributions}


@dataclass(frozen=True)
class WhatIf:
    """What another tool for a need would mean, before anybody sends a request."""

    wanted: Tool | None  # as we know it: perhaps we have said no to it before
    nearest: Tool | None  # the most recommended tool there is for the need
    gaps: list[FeatureGap]  # what that one lacks, and what of ours the wanted tool is known to do better
    same_need: list[Tool]  # everything with a ring for that need, the nearest among them
    in_use: int  # of these
    bill: Range | None  # person-days of learning; None while nobody has said how long it takes
    team_uses: list[Tool]  # what it may have to connect to
    open_requests: list[ToolRequest]


def what_if(
    *,
    actor: User,
    capability: Capability,
    tool: Tool | None = None,
    people: int = 0,
    team: Team | None = None,
    request: ToolRequest | None = None,
) -> WhatIf:
    """`people` would have to learn `tool` for `capability`; `request` is the one that asks, where it is sent."""
    same = list(tools(actor=actor).filter(capability=capability, position__isnull=False))
    nearest = next((one for one in same if one.position.ring in (Ring.ADOPT, Ring.TRIAL) and one != tool), None)
    lacking = Q(tool=nearest) | Q(better=tool) if tool else Q(tool=nearest)
    lacks = list(gaps(actor=actor).filter(lacking, tool__in=same, closed_on=None))
    used = usages(actor=actor).filter(tool__in=same).values("tool").distinct().count()
    beside = tools(actor=actor).filter(usages__team=team, usages__until=None).distinct() if team else []
    asked = requests(actor=actor).filter(capability=capability, status=ToolRequest.Status.OPEN)
    asked = asked.exclude(pk=request.pk) if request else asked
    return WhatIf(tool, nearest, lacks, same, used, learning_bill(tool, people), list(beside), list(asked))


def learning_bill(tool: Tool | None, people: int) -> Range | None:
    """Person-days of `people` who learn the tool; no input, no number."""
    if tool is None or tool.learning_days_low is None or tool.learning_days_high is None or not people:
        return None
    return Range(tool.learning_days_low, tool.learning_days_high).times(people)
