"""How long retraining takes: from how requests went before, and from the one that is under way; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

ENOUGH_RUNS = 5
"""Fewer say nothing of how fast runs follow each other, nor of how long one takes."""


@dataclass(frozen=True)
class Estimate:
    """Seconds until so many runs are over, from the past; `low` and `high` leave out a tenth each."""

    median: float
    low: float
    high: float
    history: int  # how many runs it is made from


@dataclass(frozen=True)
class Passage:
    """A request that is over: seconds from its first step to its last, and the runs that went through in them."""

    seconds: float
    runs: int


def forecast(*, past: Sequence[Passage], singles: Sequence[float], runs: int, at_a_time: int) -> Estimate | None:
    """What so many runs will take; None without enough history.

    Whole requests tell it best: sending, waiting for workers and storing are in their time. Until one of some size is
    over, `singles` (seconds of single runs) are laid beside each other, `at_a_time` of them.
    """
    if len(singles) < ENOUGH_RUNS:
        return None
    whole = [passage for passage in past if passage.runs >= ENOUGH_RUNS]
    low, middle, high = _spread(singles)
    if not whole:
        rounds = runs / max(min(at_a_time, runs), 1)
        return Estimate(middle * rounds, low * rounds, high * rounds, len(singles))
    fast, usual, slow = (pace * runs for pace in _spread([one.seconds / one.runs for one in whole]))
    # No request is over before a run of it could be, however many go through beside each other.
    return Estimate(max(usual, middle), max(fast, low), max(slow, high), sum(one.runs for one in whole))


def remaining(*, elapsed: float, done: int, rest: int) -> float | None:
    """Seconds until the rest is over at the pace so far; None as long as too few are done to have a pace."""
    return elapsed / done * rest if done >= ENOUGH_RUNS else None


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Without the lowest and the highest tenth: low, median, high."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    tenths = quantiles(values, n=10, method="inclusive")
    return tenths[0], median(values), tenths[-1]
