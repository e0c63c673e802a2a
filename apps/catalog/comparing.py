"""Tools side by side, fact by fact. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.catalog.facts import LABELS, NOT_RECORDED, facts_of

if TYPE_CHECKING:
    from apps.catalog.models import Tool


@dataclass(frozen=True)
class Row:
    what: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


def compared(tools: Sequence[Tool], used: dict[int, int], *, only_differences: bool = False) -> list[Row]:
    """`used` is how many live uses each tool has, by its key."""
    facts = [facts_of(tool) for tool in tools]
    rows = [
        Row("Capability", tuple(tool.capability.name for tool in tools)),
        Row("Sourcing", tuple(tool.get_sourcing_display() for tool in tools)),
        Row("Ecosystem", tuple(tool.ecosystem or NOT_RECORDED for tool in tools)),
        Row("Used in", tuple(str(used.get(tool.pk, 0)) for tool in tools)),
        Row("Days to learn it", tuple(_days(tool) for tool in tools)),
        *[Row(label, tuple(str(one.get(name, NOT_RECORDED)) for one in facts)) for name, label in LABELS.items()],
    ]
    return [row for row in rows if row.differs or not only_differences]


def _days(tool: Tool) -> str:
    known = tool.learning_days_low is not None
    return f"{tool.learning_days_low}–{tool.learning_days_high}" if known else NOT_RECORDED
