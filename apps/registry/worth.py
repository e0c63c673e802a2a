"""Is a model of its own worth it? Pure: who wins, from comparisons on identical rows, by segment and month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import fmean


class Winner(StrEnum):
    """Who had the better metric; of equals the one that is less work."""

    OWN = "own"
    SHARED = "shared"
    BASELINE = "baseline"


@dataclass(frozen=True)
class Rival:
    """What else could answer, on the same rows. The difference is positive where the segment's own model is better,
    `lower` and `upper` are its one-sided 95 % bounds.
    """

    metric: float
    difference: float
    lower: float | None
    upper: float | None

    @property
    def is_beaten(self) -> bool:
        return self.difference > 0

    @property
    def is_surely_beaten(self) -> bool:
        return self.lower is not None and self.lower > 0

    @property
    def is_surely_better(self) -> bool:
        return self.upper is not None and self.upper < 0


@dataclass(frozen=True)
class Comparison:
    """A segment's own model in one month beside the shared one and the plain baseline; metrics are the family's.

    `version` and `shared_version` are numbers, the days are those that both were trained on.
    """

    segment: str
    name: str
    region: str
    first: date
    last: date
    evaluation: int
    rows: int
    days: int
    version: int
    trained_from: date | None
    trained_through: date | None
    own: float
    shared: Rival
    shared_model: str
    shared_version: int
    shared_from: date | None
    shared_through: date | None
    baseline: Rival | None

    @property
    def winner(self) -> Winner:
        """The simplest of those that are not beaten, the best first."""
        rivals = [(self.baseline, Winner.BASELINE), (self.shared, Winner.SHARED)]
        better = [(rival.difference, name) for rival, name in rivals if rival and not rival.is_beaten]
        return min(better, key=lambda one: one[0])[1] if better else Winner.OWN

    @property
    def is_sure(self) -> bool:
        """Its own model surely beats both, or is surely worse than the one that wins."""
        if self.winner is Winner.OWN:
            return all(rival.is_surely_beaten for rival in (self.shared, self.baseline) if rival)
        rival = self.baseline if self.winner is Winner.BASELINE else self.shared
        return rival is not None and rival.is_surely_better

    @property
    def is_fair(self) -> bool:
        """Both were trained on the same days."""
        return (self.trained_from, self.trained_through) == (self.shared_from, self.shared_through)


@dataclass(frozen=True)
class Tally:
    """How often each wins, and how often segments' own models beat each rival alone; means are over all that count."""

    total: int
    own: int
    shared: int
    baseline: int
    surely_own: int
    beats_shared: int
    beats_baseline: int
    with_baseline: int
    unfair: int
    own_mean: float | None
    shared_mean: float | None
    baseline_mean: float | None


@dataclass(frozen=True)
class Month:
    """What came out on one window."""

    first: date
    last: date
    tally: Tally

    @property
    def key(self) -> str:
        """As it stands in addresses: 2013-07."""
        return f"{self.last:%Y-%m}"


def tally(found: Collection[Comparison]) -> Tally:
    won = Counter(one.winner for one in found)
    baselines = [one.baseline for one in found if one.baseline]
    return Tally(
        total=len(found),
        own=won[Winner.OWN],
        shared=won[Winner.SHARED],
        baseline=won[Winner.BASELINE],
        surely_own=sum(one.winner is Winner.OWN and one.is_sure for one in found),
        beats_shared=sum(one.shared.is_beaten for one in found),
        beats_baseline=sum(rival.is_beaten for rival in baselines),
        with_baseline=len(baselines),
        unfair=sum(not one.is_fair for one in found),
        own_mean=fmean(one.own for one in found) if found else None,
        shared_mean=fmean(one.shared.metric for one in found) if found else None,
        baseline_mean=fmean(rival.metric for rival in baselines) if baselines else None,
    )


def by_month(found: Collection[Comparison]) -> list[Month]:
    """The newest first."""
    windows = sorted({(one.last, one.first) for one in found}, reverse=True)
    return [
        Month(first, last, tally([one for one in found if (one.first, one.last) == (first, last)]))
        for last, first in windows
    ]
