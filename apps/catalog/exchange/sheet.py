"""What a file says, whatever its format: facts about tools, rings, decisions, distributions; errors by line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from apps.core.errors import Invalid

MOST_ROWS = 10_000
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Problem:
    """A line (or item) that can not be taken, and why."""

    line: int
    sentence: str


@dataclass(frozen=True)
class ToolRow:
    """Facts by the names of ToolFacts; only what the file says. `capability` is a slug or a name."""

    line: int
    slug: str
    facts: dict[str, Any]
    stage: str = ""


@dataclass(frozen=True)
class RingRow:
    line: int
    name: str
    ring: str
    reason: str


@dataclass(frozen=True)
class DecisionRow:
    line: int
    number: int | None
    words: dict[str, Any]
    options: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class DistributionRow:
    line: int
    name: str
    version: str


@dataclass
class Sheet:
    """`format` in words. An item is a tool, a ring, a decision or a distribution."""

    format: str
    tools: list[ToolRow] = field(default_factory=list)
    rings: list[RingRow] = field(default_factory=list)
    decisions: list[DecisionRow] = field(default_factory=list)
    distributions: list[DistributionRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, line: int, sentence: str) -> None:
        self.problems.append(Problem(line, sentence))

    @property
    def items(self) -> int:
        return len(self.tools) + len(self.rings) + len(self.decisions) + len(self.distributions)


def limited(sheet: Sheet) -> Sheet:
    """Raises Invalid for more than a portal takes at once."""
    if sheet.items > MOST_ROWS:
        raise Invalid(f"This file has {sheet.items} items, at most {MOST_ROWS} are taken at once.", field="content")
    return sheet
