"""Vendors and ecosystems: their tools that we use or have a position on, and who uses them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from apps.catalog.models import Tool, Usage
from apps.catalog.queries.needs import usages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.models import User


NOBODY = {"", "independent"}
"""Words for a tool that hangs on nobody."""
What = TypeVar("What", Tool, Usage)


@dataclass(frozen=True)
class Blast:
    """What belongs to a vendor or an ecosystem, by its exact name."""

    name: str
    tools: list[Tool]
    usages: list[Usage]

    @property
    def slugs(self) -> list[str]:
        """Of its tools."""
        return [tool.slug for tool in self.tools]

    @property
    def teams(self) -> list[str]:
        return sorted({str(usage.team) for usage in self.usages if usage.team})


def blast(*, actor: User, name: str) -> Blast:
    found = {one.name: one for one in blasts(actor=actor)}
    return found.get(name) or Blast(name, [], [])


def blasts(*, actor: User) -> list[Blast]:
    """Every vendor and ecosystem, by name."""
    uses = list(usages(actor=actor).order_by("tool__name", "kind", "name"))
    placed = Tool.objects.visible_to(actor).filter(position__isnull=False)
    used = Tool.objects.visible_to(actor).filter(pk__in=[usage.tool_id for usage in uses])
    tools = _by_name((tool, tool) for tool in (placed | used).select_related("position", "capability").in_order())
    by_name = _by_name((usage.tool, usage) for usage in uses)
    return [Blast(name, tools[name], by_name[name]) for name in sorted(tools, key=str.lower)]


def _by_name(pairs: Iterable[tuple[Tool, What]]) -> dict[str, list[What]]:
    found: dict[str, list[What]] = defaultdict(list)
    for tool, what in pairs:
        for name in {tool.vendor, tool.ecosystem} - NOBODY:
            found[name].append(what)
    return found
