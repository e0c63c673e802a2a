"""Vendors and ecosystems: their tools that we use or have a position on, and who uses them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q

from apps.catalog.models import Tool
from apps.catalog.queries.needs import usages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.models import User
    from apps.catalog.models import Usage
    from apps.catalog.models.tools import ToolQuerySet


NOBODY = {"", "independent"}
"""Words for a tool that hangs on nobody."""
OF_USE = ("kind", "name", "how", "team__slug", "team__name")
OF_TOOL = ("tool__slug", "tool__name", "tool__vendor", "tool__ecosystem")
"""What a use shows here: a tool's whole fact sheet would be read with each."""


@dataclass(frozen=True)
class Blast:
    """What belongs to a vendor or an ecosystem, by its exact name: how many tools, and their uses."""

    name: str
    tools: int
    usages: list[Usage]

    @property
    def teams(self) -> list[str]:
        return sorted({str(usage.team) for usage in self.usages if usage.team})


def blast(*, actor: User, name: str) -> Blast:
    found = {one.name: one for one in blasts(actor=actor)}
    return found.get(name) or Blast(name, 0, [])


def blasts(*, actor: User) -> list[Blast]:
    """Every vendor and ecosystem, by name."""
    tools: dict[str, int] = defaultdict(int)
    for vendor, ecosystem, count in _ours(actor).values_list("vendor", "ecosystem").annotate(Count("pk")):
        for name in {vendor, ecosystem} - NOBODY:
            tools[name] += count
    seen = usages(actor=actor).select_related(None).select_related("tool", "team").only(*OF_USE, *OF_TOOL)
    uses = _by_name(seen.order_by("tool__name", "kind", "name"))
    return [Blast(name, tools[name], uses[name]) for name in sorted(tools, key=str.lower)]


def tools_that_belong_to(*, actor: User, name: str) -> ToolQuerySet:
    """Tools that we use or have a position on, by the exact name of their vendor or ecosystem."""
    named = _ours(actor).filter(Q(vendor=name) | Q(ecosystem=name))
    return named.select_related("position", "capability").in_order()


def _ours(actor: User) -> ToolQuerySet:
    used = Q(pk__in=usages(actor=actor).order_by().values("tool"))
    return Tool.objects.visible_to(actor).filter(used | Q(position__isnull=False)).order_by()


def _by_name(uses: Iterable[Usage]) -> dict[str, list[Usage]]:
    found: dict[str, list[Usage]] = defaultdict(list)
    for usage in uses:
        for name in {usage.tool.vendor, usage.tool.ecosystem} - NOBODY:
            found[name].append(usage)
    return found
