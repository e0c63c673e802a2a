"""What is different about a whole promotion: the same change in forty cities is said once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from apps.registry.gates import day
from apps.registry.queries import PromotionRow, VersionCell

DATA = "Trained on"
MOST_KINDS = 3
"""Of one parameter; with more of them the city's own row is the place to read it."""


@dataclass(frozen=True)
class Difference:
    """One change from champions to candidates, and in how many segments; `many` ones differ each in its own way."""

    name: str
    before: str
    after: str
    segments: int
    many: bool = False


def differences(rows: Sequence[PromotionRow]) -> list[Difference]:
    """The data first, then inputs and parameters, by name; segments without a champion have nothing to differ from."""
    changes = Counter(change for row in rows if row.champion for change in _changes(row, row.champion))
    ordered = sorted(changes.items(), key=lambda item: (item[0][0] != DATA, item[0][0], -item[1]))
    return [one for _, kinds in groupby(ordered, key=lambda item: item[0][0]) for one in _told(list(kinds))]


def _changes(row: PromotionRow, champion: VersionCell) -> Iterator[tuple[str, str, str]]:
    before, after = trained_on(champion), trained_on(row.candidate)
    if before != after:
        yield DATA, before, after
    for change in row.input_changes:
        yield f"input {change.name}", _text(change.champion), _text(change.candidate)
    for change in row.parameter_changes:
        yield change.name, _text(change.champion), _text(change.candidate)


def _told(kinds: Sequence[tuple[tuple[str, str, str], int]]) -> Iterable[Difference]:
    if len(kinds) <= MOST_KINDS:
        return [Difference(name, before, after, count) for (name, before, after), count in kinds]
    return [Difference(kinds[0][0][0], "", "", sum(count for _, count in kinds), many=True)]


def trained_on(version: VersionCell) -> str:
    """`1 Jan 2013 – 31 Mar 2013`."""
    if version.trained_from is None or version.trained_through is None:
        return "nobody knows what"
    return f"{day(version.trained_from)} – {day(version.trained_through)}"


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
