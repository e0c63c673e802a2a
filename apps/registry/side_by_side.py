"""Versions side by side: what was measured of each on a window, and what that says about two of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from apps.registry.statistics import DailyErrors, Direction, PairedDifference, mean_interval, paired_difference

KEPT = 4_096
"""Intervals kept in a process: what is done never changes, and drawing again takes milliseconds."""


class Days(NamedTuple):
    """First and last day of a window."""

    first: date
    last: date


@dataclass(frozen=True)
class Measured:
    """One version on one window, as one evaluation tells it: `role` is candidate or champion there.

    Two with the same `rows` were scored on identical rows by the same code.
    """

    version: int
    evaluation: int
    role: str
    window: Days
    rows: tuple[str, ...]  # segment, window, digest of the data, evaluator and its version
    metric: float
    baseline: float | None
    row_count: int
    day_count: int
    finished: Any = None


class How(StrEnum):
    """On what ground two versions are compared."""

    SAME_ROWS = "same rows"
    OTHER_ROWS = "other rows"


@dataclass(frozen=True)
class Gap:
    """How much better a version is than the reference, in the metric's unit; bounds only on the same rows."""

    how: How
    difference: float
    lower: float | None = None
    upper: float | None = None
    rows: int = 0
    days: int = 0


@dataclass(frozen=True)
class Interval:
    """A version's own metric with its two-sided 90 % interval, by whole days."""

    mean: float
    lower: float | None
    upper: float | None


def stored_gap(difference: float, lower: float | None, upper: float | None, *, rows: int, days: int, flip: bool) -> Gap:
    """What an evaluation of both says; `flip` where the reference was its candidate."""
    if not flip:
        return Gap(How.SAME_ROWS, difference, lower, upper, rows, days)
    turned = None if upper is None else -upper, None if lower is None else -lower
    return Gap(How.SAME_ROWS, -difference, *turned, rows, days)


def computed_gap(mine: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]], way: Direction) -> Gap | None:
    """From the errors by day of both on identical rows; None where their days are not the same after all.

    Each day is `{"day", "rows", "sum"}`.
    """
    if [(day["day"], day["rows"]) for day in mine] != [(day["day"], day["rows"]) for day in others]:
        return None
    pairs = zip(mine, others, strict=True)
    found = _drawn(tuple(DailyErrors(day["day"], day["rows"], day["sum"], other["sum"]) for day, other in pairs), way)
    return Gap(How.SAME_ROWS, found.mean, found.lower, found.upper, found.rows, found.days)


def gap_on_other_rows(mine: float, others: float, way: Direction) -> Gap:
    """Only the difference of two means: nothing says how much of it is chance."""
    return Gap(How.OTHER_ROWS, others - mine if way is Direction.LOWER_IS_BETTER else mine - others)


def own_interval(days: Sequence[Mapping[str, Any]]) -> Interval:
    return _own(tuple((day["day"], day["rows"], day["sum"]) for day in days))


@lru_cache(maxsize=KEPT)
def _drawn(days: tuple[DailyErrors, ...], way: Direction) -> PairedDifference:
    return paired_difference(days, direction=way)


@lru_cache(maxsize=KEPT)
def _own(days: tuple[tuple[str, int, float], ...]) -> Interval:
    return Interval(*mean_interval([DailyErrors(day, rows, total, 0.0) for day, rows, total in days]))


def months(measured: Collection[Measured]) -> list[Days]:
    """The windows on which something was measured, the oldest first."""
    return sorted({one.window for one in measured})


def best(scores: Mapping[int, float], way: Direction) -> int | None:
    """The version that won a window; None for a single one and for a draw."""
    ranked = sorted(scores, key=lambda version: scores[version], reverse=way is Direction.HIGHER_IS_BETTER)
    if len(ranked) < 2 or scores[ranked[0]] == scores[ranked[1]]:
        return None
    return ranked[0]
