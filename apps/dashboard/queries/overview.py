"""All families at one glance, in the same number of queries for one or for fifty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from apps.registry import queries as registry

if TYPE_CHECKING:
    from datetime import date

    from apps.accounts.models import User
    from apps.registry.models import ModelFamily
    from apps.registry.queries import Window


@dataclass(frozen=True)
class Measured:
    """A champion and the plain baseline on one month."""

    metric: float
    baseline: float


@dataclass(frozen=True)
class FamilyLine:
    """A family as the list shows it: means over the champions measured on its newest month, typical age in days."""

    family: ModelFamily
    window: Window | None
    segments: int
    champions: int
    measured: int
    worse: int
    metric: float | None
    baseline: float | None
    age: int | None
    open_waves: int

    @property
    def is_stale(self) -> bool:
        return self.age is not None and self.age > self.family.freshness_days

    @property
    def change(self) -> float | None:
        """The champions' mean against the plain baseline's."""
        return None if self.metric is None or self.baseline is None else self.metric - self.baseline

    @property
    def tone(self) -> str:
        """bad when most champions lose against the plain baseline, warn when one in five does or they are old."""
        if not self.champions or not self.measured:
            return "idle"
        if self.worse * 2 > self.measured:
            return "bad"
        return "warn" if self.worse * 5 > self.measured or self.is_stale else "ok"


def family_lines(actor: User) -> list[FamilyLine]:
    """By name."""
    families = list(registry.families(actor))
    trained, measured, waves = _trained_through(actor), _measured(actor, families), _open_waves(actor)
    return [
        _line(family, trained.get(family.pk, []), measured.get(family.pk, []), waves[family.pk]) for family in families
    ]


def _line(family: ModelFamily, trained: list[date], measured: list[Measured], waves: int) -> FamilyLine:
    lower = family.direction == family.Direction.LOWER
    ages = [age for day in trained if (age := family.age_of(day)) is not None]
    return FamilyLine(
        family=family,
        window=registry.newest_window(family),
        segments=family.segment_count,  # type: ignore[attr-defined]
        champions=family.champion_count,  # type: ignore[attr-defined]
        measured=len(measured),
        worse=sum(one.metric > one.baseline if lower else one.metric < one.baseline for one in measured),
        metric=fmean(one.metric for one in measured) if measured else None,
        baseline=fmean(one.baseline for one in measured) if measured else None,
        age=round(median(ages)) if ages else None,
        open_waves=waves,
    )


def _trained_through(actor: User) -> dict[int, list[date]]:
    """The champions' last days of training, by family."""
    champions = registry.all_versions(actor).filter(aliases__name="champion")
    found: dict[int, list[date]] = {}
    for family, day in champions.order_by().values_list("model__family", "trained_through"):
        if day is not None:
            found.setdefault(family, []).append(day)
    return found


def _measured(actor: User, families: Iterable[ModelFamily]) -> dict[int, list[Measured]]:
    """How each champion does on its family's newest month, from whatever it was evaluated for."""
    windows = {family.pk: registry.newest_window(family) for family in families}
    lasts = {window.last for window in windows.values() if window}
    done = registry.evaluations(actor).filter(
        status="done", window_last__in=lasts, candidate__aliases__name="champion", baseline_metric__isnull=False
    )
    found: dict[int, dict[int, Measured]] = {}
    columns = ("model__family", "model", "window_first", "window_last", "candidate_metric", "baseline_metric")
    for family, model, first, last, metric, baseline in done.order_by("id").values_list(*columns):
        if windows.get(family) == (first, last):
            found.setdefault(family, {})[model] = Measured(metric, baseline)
    return {family: list(by_model.values()) for family, by_model in found.items()}


def _open_waves(actor: User) -> Counter[int]:
    return Counter(registry.waves(actor).filter(status="proposed").order_by().values_list("family", flat=True))
