"""What evaluations say about several versions at once: a handful of queries, however many evaluations there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, F, OuterRef, Q, QuerySet, Subquery

from apps.registry.models import Alias, Evaluation, ModelFamily, ModelVersion, RegisteredModel
from apps.registry.models.family import CHAMPION as CHAMPION_ALIAS
from apps.registry.side_by_side import (
    Days,
    Gap,
    How,
    Interval,
    Measured,
    computed_gap,
    gap_on_other_rows,
    own_interval,
    stored_gap,
)
from apps.registry.statistics import Direction

FIELDS = (
    *("id", "candidate_id", "champion_id", "window_first", "window_last", "candidate_metric", "champion_metric"),
    *("baseline_metric", "rows", "days", "data_digest", "evaluator", "evaluator_version", "finished_at"),
    "model__segment__slug",
)
CANDIDATE, CHAMPION = "candidate", "champion"
Measurements = Mapping[tuple[int, Days], Measured]

# Per city and two windows that follow each other: who won the first, and did it win the second? Only versions that
# were measured on both stand against each other, and a city needs two of them.
PERSISTENCE = """
WITH score AS (
    SELECT DISTINCT ON (model_id, version, window_last) model_id, version, window_last, metric FROM (
        SELECT evaluation.model_id, candidate_id AS version, window_last, candidate_metric AS metric, evaluation.id
        FROM registry_evaluation AS evaluation JOIN registry_registeredmodel AS model ON model.id = evaluation.model_id
        WHERE model.family_id = %(family)s AND evaluation.status = 'done'
        UNION ALL
        SELECT evaluation.model_id, champion_id, window_last, champion_metric, evaluation.id
        FROM registry_evaluation AS evaluation JOIN registry_registeredmodel AS model ON model.id = evaluation.model_id
        WHERE model.family_id = %(family)s AND evaluation.status = 'done' AND champion_id IS NOT NULL
            AND champion_metric IS NOT NULL
    ) AS every ORDER BY model_id, version, window_last, id DESC
), following AS (
    SELECT window_last AS month, lead(window_last) OVER (ORDER BY window_last) AS next
    FROM (SELECT DISTINCT window_last FROM score) AS known
), ranked AS (
    SELECT following.month, following.next,
        row_number() OVER (
            PARTITION BY one.model_id, following.month ORDER BY %(sign)s * one.metric, one.version
        ) AS before,
        rank() OVER (PARTITION BY one.model_id, following.month ORDER BY %(sign)s * other.metric) AS after,
        count(*) OVER (PARTITION BY one.model_id, following.month) AS versions
    FROM following
    JOIN score AS one ON one.window_last = following.month
    JOIN score AS other
        ON other.window_last = following.next AND other.model_id = one.model_id AND other.version = one.version
)
SELECT month, next, count(*), count(*) FILTER (WHERE after = 1), sum(1.0 / versions)
FROM ranked WHERE versions > 1 AND before = 1 GROUP BY month, next ORDER BY month
"""


@dataclass(frozen=True)
class Step:
    """From one window to the next: in how many of the segments the version that won still won.

    `by_chance` is how many that would be if winning were a draw between the versions.
    """

    month: date
    following: date
    segments: int
    stayed: int
    by_chance: float


@dataclass(frozen=True)
class Pair:
    """A segment whose newest ready version is not its champion; ids and numbers of both."""

    segment: str
    name: str
    region: str
    champion: int
    champion_number: int
    newest: int
    newest_number: int


@dataclass(frozen=True)
class Scored:
    """A version of a model on a window, beside the plain baseline on the same rows."""

    number: int
    metric: float
    baseline: float | None


@dataclass(frozen=True)
class Vintage:
    """Versions trained through one day, on one window: the mean of their metric and of the plain baseline there."""

    trained_through: date
    window_last: date
    versions: int
    metric: float
    baseline: float | None


@dataclass(frozen=True)
class Standings:
    """On one window: how far each version is from the reference, and where rows differ each one's own interval."""

    gaps: Mapping[int, Gap]
    intervals: Mapping[int, Interval]


def measurements(versions: Collection[int]) -> Measurements:
    """What is known of each version on each window: by its own newest evaluation, else as somebody's champion."""
    done = Evaluation.objects.filter(status=Evaluation.Status.DONE)
    window = ("champion_id", "window_first", "window_last")
    as_champion = done.filter(champion__in=versions, champion_metric__isnull=False).order_by(*window, "-id")
    found = {}
    for row in as_champion.distinct(*window).values_list(*FIELDS, named=True):
        found[row.champion_id, Days(row.window_first, row.window_last)] = _measured(row, CHAMPION)
    for row in done.filter(candidate__in=versions).order_by("id").values_list(*FIELDS, named=True):
        found[row.candidate_id, Days(row.window_first, row.window_last)] = _measured(row, CANDIDATE)
    return found


def standings_on(
    *, measured: Measurements, window: Days, reference: int, others: Sequence[int], way: Direction
) -> Standings:
    """Versions that nobody measured on the window have no gap; all are of one metric."""
    known = {version: measured[version, window] for version in (reference, *others) if (version, window) in measured}
    base = known.pop(reference, None)
    if base is None:
        return Standings({}, _intervals(list(known.values()), _daily(known.values())))
    stored = _stored(reference, list(known), window)
    rest = {version: one for version, one in known.items() if version not in stored}
    daily = _daily([base, *rest.values()]) if rest else {}
    gaps = stored | {version: _gap(one, base, daily, way) for version, one in rest.items()}
    apart = any(gap.how is How.OTHER_ROWS for gap in gaps.values())
    return Standings(gaps, _intervals([base, *rest.values()], daily) if apart else {})


def pairs(family: ModelFamily) -> QuerySet[RegisteredModel, Any]:
    """Champion and newest version of each segment where they are two, by the segment's name; rows make a `Pair`."""
    champion = Alias.objects.filter(model=OuterRef("pk"), name=CHAMPION_ALIAS)
    ready = ModelVersion.objects.living().filter(model=OuterRef("pk"), status=ModelVersion.Status.READY)
    newest = ready.order_by("-number")
    found = RegisteredModel.objects.living().filter(family=family, segment__isnull=False)
    both = found.annotate(
        champion=Subquery(champion.values("version")[:1]),
        champion_number=Subquery(champion.values("version__number")[:1]),
        newest=Subquery(newest.values("pk")[:1]),
        newest_number=Subquery(newest.values("number")[:1]),
    )
    two = both.filter(champion__isnull=False, newest__isnull=False).exclude(champion=F("newest"))
    return two.select_related("segment").order_by("segment__name", "segment__slug")


def newest_done(versions: Collection[int]) -> dict[int, Evaluation]:
    """By version, its newest done evaluation."""
    of_versions = Evaluation.objects.of_one_model().filter(candidate__in=versions)
    done = of_versions.filter(status=Evaluation.Status.DONE).defer("daily")
    return {row.candidate_id: row for row in done.order_by("candidate_id", "-id").distinct("candidate_id")}


def scores_by_number(model: RegisteredModel, window: Days) -> list[Scored]:
    """Every version of a model that was measured on the window, by number; one query."""
    done = Evaluation.objects.filter(
        model=model, status=Evaluation.Status.DONE, window_first=window.first, window_last=window.last
    )
    found: dict[int, Scored] = {}
    fields = ("candidate__number", "candidate_metric", "champion__number", "champion_metric", "baseline_metric")
    for number, metric, champion, champions, baseline in done.order_by("id").values_list(*fields):
        if champion and champions is not None:
            found.setdefault(champion, Scored(champion, champions, baseline))
        found[number] = Scored(number, metric, baseline)
    return [found[number] for number in sorted(found)]


def vintages(family: ModelFamily, *, segment: str = "") -> list[Vintage]:
    """Of all segments or one, by the day that training ended and the window; the oldest first. One query."""
    done = Evaluation.objects.of_one_model().filter(
        model__family=family, status=Evaluation.Status.DONE, candidate__trained_through__isnull=False
    )
    done = done.filter(model__segment__slug=segment) if segment else done.filter(model__segment__is_fallback=False)
    grouped = done.order_by().values_list("candidate__trained_through", "window_last")
    rows = grouped.annotate(
        versions=Count("candidate", distinct=True), metric=Avg("candidate_metric"), baseline=Avg("baseline_metric")
    )
    return [Vintage(*row) for row in rows.order_by("candidate__trained_through", "window_last")]


def persistence(family: ModelFamily) -> list[Step]:
    """Does who wins one window win the next? Over all segments of the family, in one query."""
    sign = 1 if family.direction == ModelFamily.Direction.LOWER else -1
    with connection.cursor() as cursor:
        cursor.execute(PERSISTENCE, {"family": family.pk, "sign": sign})
        return [Step(row[0], row[1], row[2], row[3], float(row[4])) for row in cursor.fetchall()]


def _measured(row: Any, role: str) -> Measured:
    window = Days(row.window_first, row.window_last)
    place = (row.model__segment__slug or "", str(window.first), str(window.last))
    return Measured(
        version=row.candidate_id if role == CANDIDATE else row.champion_id,
        evaluation=row.id,
        role=role,
        window=window,
        rows=(*place, row.data_digest, row.evaluator, row.evaluator_version),
        metric=row.candidate_metric if role == CANDIDATE else row.champion_metric,
        baseline=row.baseline_metric,
        row_count=row.rows,
        day_count=row.days,
        finished=row.finished_at,
    )


def _stored(reference: int, others: Sequence[int], window: Days) -> dict[int, Gap]:
    """Of the evaluations that scored both."""
    pairs = Q(champion=reference, candidate__in=others) | Q(candidate=reference, champion__in=others)
    both: QuerySet[Evaluation] = Evaluation.objects.filter(
        pairs, status=Evaluation.Status.DONE, window_first=window.first, window_last=window.last
    )
    found = {}
    for row in both.defer("daily").order_by("id"):
        flip = row.candidate_id == reference
        other = row.champion_id if flip else row.candidate_id
        bounds = {"rows": row.rows or 0, "days": row.days or 0, "flip": flip}
        found[other or 0] = stored_gap(row.difference or 0.0, row.lower, row.upper, **bounds)  # type: ignore[arg-type]
    return found


def _daily(measured: Collection[Measured]) -> dict[int, list[dict[str, Any]]]:
    """By evaluation, its errors by day."""
    rows = Evaluation.objects.filter(pk__in={one.evaluation for one in measured})
    return dict(rows.values_list("pk", "daily"))


def _days(one: Measured, daily: Mapping[int, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """A version's sums; nothing where its evaluation did not keep them."""
    days = daily.get(one.evaluation, [])
    known = [day for day in days if day.get(one.role) is not None and day.get("rows")]
    if len(known) < len(days):
        return []
    return [{"day": day["day"], "rows": day["rows"], "sum": day[one.role]} for day in known]


def _gap(one: Measured, base: Measured, daily: Mapping[int, Sequence[Mapping[str, Any]]], way: Direction) -> Gap:
    if one.rows == base.rows:
        mine, others = _days(one, daily), _days(base, daily)
        paired = computed_gap(mine, others, way) if mine and others else None
        if paired is not None:
            return paired
    return gap_on_other_rows(one.metric, base.metric, way)


def _intervals(measured: Sequence[Measured], daily: Mapping[int, Sequence[Mapping[str, Any]]]) -> dict[int, Interval]:
    known = {one.version: _days(one, daily) for one in measured}
    return {version: own_interval(days) for version, days in known.items() if days}
