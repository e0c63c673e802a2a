"""What a file changes in the catalog, in words."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.catalog.exchange.sheet import Problem


@dataclass
class Difference:
    """What a file would change, or has changed; each entry in words.

    `kept` is what the file says otherwise and a person here has written: it stays as they wrote it.
    """

    format: str
    items: int
    written: bool = False
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    same: int = 0
    gone: list[str] = field(default_factory=list)
    proposed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, line: int, sentence: str) -> None:
        self.problems.append(Problem(line, sentence))
