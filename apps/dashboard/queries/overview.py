"""How a family does at one glance, in the same number of queries for one or for fifty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import QuerySet

from apps.accounts.queries import team_ids_of
from apps.registry import queries as registry

if TYPE_CHECKING:
    from datetime import date

    from apps.accounts.models import User
    from apps.dashboard.fleet import Row
    from apps.registry.models import ModelFamily
    from apps.registry.queries import Window

CHAMPION = "champion"


class Measured(NamedTuple):
    """A champion and the plain baseline on one month, and on how many rows."""

    metric: float
    baseline: float
    rows: int


@dataclass(frozen=True)
class Mean:
    """Of the champions that were measured, beside the plain baseline's on the same rows; in the family's unit."""

    metric: float
    baseline: float

    @property
    def change(self) -> float:
        return self.metric - self.baseline


@dataclass(frozen=True)
class FamilyLine:
    """A family as its head and the list show it: champions on its newest month, typical age in days.

    `plain` counts every segment once, `weighted` counts every row once, so that it says what most users feel.
    """

    family: ModelFamily
    window: Window | None
    segments: int
    champions: int
    measured: int
    worse: int
    plain: Mean | None
    weighted: Mean | None
    age: int | None
    stale: int
    open_waves: int

    @property
    def is_stale(self) -> bool:
        return self.age is not None and self.age > self.family.freshness_days

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
    return _lines(actor, list(_families(actor)))


def lines_of_teams(actor: User) -> list[FamilyLine]:
    """Of families of the actor's own teams, by name."""
    return _lines(actor, list(_families(actor).filter(team__in=team_ids_of(actor))))


def family_line(*, actor: User, family: ModelFamily) -> FamilyLine:
    """Of one family that the actor may see."""
    return _lines(actor, [family])[0]


def line_of_rows(family: ModelFamily, rows: Sequence[Row]) -> FamilyLine:
    """The same, of a fleet that was read already."""
    ages = [row.cell.age_days for row in rows if row.cell.age_days is not None]
    known = [
        Measured(row.newest, row.baseline, row.rows)
        for row in rows
        if row.newest is not None and row.baseline is not None and row.rows
    ]
    return _line(family, ages, known)


def _families(actor: User) -> QuerySet[ModelFamily]:
    return registry.families(actor).prefetch_related(None)


def _lines(actor: User, families: Sequence[ModelFamily]) -> list[FamilyLine]:
    trained, measured = _trained_through(actor, families), _measured(families)
    return [
        _line(family, _ages(family, trained.get(family.pk, [])), measured.get(family.pk, [])) for family in families
    ]


def _ages(family: ModelFamily, days: Iterable[date]) -> list[int]:
    return [age for day in days if (age := family.age_of(day)) is not None]


def _line(family: ModelFamily, ages: Sequence[int], measured: Sequence[Measured]) -> FamilyLine:
    lower = family.direction == family.Direction.LOWER
    return FamilyLine(
        family=family,
        window=registry.newest_window(family),
        segments=family.segment_count,  # type: ignore[attr-defined]
        champions=family.champion_count,  # type: ignore[attr-defined]
        measured=len(measured),
        worse=sum(one.metric > one.baseline if lower else one.metric < one.baseline for one in measured),
        plain=_mean(measured, [1] * len(measured)),
        weighted=_mean(measured, [one.rows for one in measured]),
        age=round(median(ages)) if ages else None,
        stale=sum(age > family.freshness_days for age in ages),
        open_waves=family.open_wave_count,  # type: ignore[attr-defined]
    )


def _mean(measured: Sequence[Measured], weights: Sequence[int]) -> Mean | None:
    if not measured:
        return None
    return Mean(fmean([one.metric for one in measured], weights), fmean([one.baseline for one in measured], weights))


def _trained_through(actor: User, families: Iterable[ModelFamily]) -> dict[int, list[date]]:
    """The champions' last days of training, by family."""
    champions = registry.all_versions(actor).filter(
        model__family__in=families, aliases__name=CHAMPION, model__segment__is_fallback=False
    )
    found: dict[int, list[date]] = {}
    for family, day in champions.order_by().values_list("model__family", "trained_through"):
        if day is not None:
            found.setdefault(family, []).append(day)
    return found


def _measured(families: Sequence[ModelFamily]) -> dict[int, list[Measured]]:
    """How each champion does on its family's newest month: from its own check, else from what competed with it."""
    windows = {family.pk: window for family in families if (window := registry.newest_window(family))}
    found: dict[int, list[Measured]] = {}
    for family, metric, baseline, rows in registry.measured_champions(windows):
        found.setdefault(family, []).append(Measured(metric, baseline, rows))
    return found
