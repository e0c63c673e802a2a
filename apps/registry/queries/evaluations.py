"""Reads of evaluations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Count, Max, QuerySet

from apps.core.errors import Conflict, Missing
from apps.core.prepared import prepared
from apps.registry.answers import numbers_from, seed_of_days
from apps.registry.evaluators import baselines_of
from apps.registry.models import Evaluation
from apps.registry.models.evaluation import EvaluationQuerySet
from apps.registry.models.family import CHAMPION
from apps.registry.statistics import CONFIDENCE, RESAMPLES

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.queries.windows import Window

MEASURED_CHAMPIONS = """
SELECT asked.family, measured.metric, measured.baseline_metric, measured.rows
FROM unnest(%s::bigint[], %s::date[], %s::date[]) AS asked (family, first, last)
JOIN registry_registeredmodel AS model ON model.family_id = asked.family
JOIN registry_segment AS segment ON segment.id = model.segment_id AND NOT segment.is_fallback
JOIN registry_alias AS alias ON alias.model_id = model.id AND alias.name = %s
CROSS JOIN LATERAL (
    SELECT * FROM (
        (SELECT 1 AS turn, candidate_metric AS metric, baseline_metric, rows FROM registry_evaluation
        WHERE candidate_id = alias.version_id AND window_first = asked.first AND window_last = asked.last
            AND status = 'done' AND shared_id IS NULL AND baseline_metric IS NOT NULL ORDER BY id DESC LIMIT 1)
        UNION ALL
        (SELECT 2, champion_metric, baseline_metric, rows FROM registry_evaluation
        WHERE champion_id = alias.version_id AND window_first = asked.first AND window_last = asked.last
            AND status = 'done' AND baseline_metric IS NOT NULL ORDER BY id DESC LIMIT 1)
    ) AS every ORDER BY turn LIMIT 1
) AS measured
"""
"""A champion is measured by its own check, else by the newest that competed with it: an index away for each."""


@dataclass(frozen=True)
class EvaluationCounts:
    """Versions by how far the newest evaluation of each is."""

    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.open + self.ended

    @property
    def open(self) -> int:
        return self.waiting + self.running

    @property
    def ended(self) -> int:
        return self.done + self.failed


def evaluations(actor: User) -> EvaluationQuerySet:
    """The newest first, without the errors by day."""
    return Evaluation.objects.visible_to(actor).whole().select_related("requested_by").order_by("-id")


def evaluation(*, actor: User, evaluation_id: int) -> Evaluation:
    """With the errors by day. Raises Missing."""
    found = evaluations(actor).defer(None).filter(pk=evaluation_id).first()
    if found is None:
        raise Missing("There is no such evaluation here, or you may not see it.")
    return found


def measured_champions(windows: Mapping[int, Window]) -> list[tuple[int, float, float, int]]:
    """Of each champion of these families (ids) that was measured on the family's window: the family, the metric, the
    plain baseline's on the same rows, and how many rows. The caller has checked that the reader may see them.
    """
    if not windows:
        return []
    days = [window.first for window in windows.values()], [window.last for window in windows.values()]
    with connection.cursor() as cursor:
        cursor.execute(*prepared(MEASURED_CHAMPIONS, [list(windows), *days, CHAMPION]))
        return cursor.fetchall()


@dataclass(frozen=True)
class Bounds:
    difference: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Recomputed:
    """An evaluation's kept errors by day, and everything computed from them once more."""

    daily: list[dict[str, Any]]
    stored: Bounds
    recomputed: Bounds
    baselines: dict[str, dict[str, float | None]]
    agrees: bool
    seed: int
    resamples: int = RESAMPLES
    confidence: float = CONFIDENCE


def recomputed(evaluation: Evaluation) -> Recomputed:
    """The same numbers from the errors by day, whoever stored them.

    Raises Conflict while it is not done, and for one that did not keep its champion's errors by day.
    """
    against = evaluation.rival is not None
    kept = all("champion" in day for day in evaluation.daily) if against else True
    if evaluation.status != Evaluation.Status.DONE or not kept:
        raise Conflict("This evaluation has no numbers that could be computed again.")
    direction = evaluation.model.its_family.direction
    again = numbers_from(
        evaluation.daily,
        against=against,
        direction=direction,
        digest=evaluation.data_digest,
        baselines=baselines_of(evaluation.evaluator),
    )
    bounds = Bounds(again.difference, again.lower, again.upper)
    return Recomputed(
        daily=evaluation.daily,
        stored=Bounds(evaluation.difference, evaluation.lower, evaluation.upper),
        recomputed=bounds,
        baselines=again.baselines,
        agrees=all(_is_the_same(getattr(evaluation, name), value) for name, value in asdict(again).items()),
        seed=seed_of_days(evaluation.daily),
    )


def _is_the_same(stored: Any, again: Any) -> bool:
    """Numbers up to the last digits, which another release of a library may round otherwise."""
    if isinstance(stored, Mapping) and isinstance(again, Mapping):
        return stored.keys() == again.keys() and all(_is_the_same(stored[name], again[name]) for name in stored)
    if isinstance(stored, float) and isinstance(again, float):
        return math.isclose(stored, again, rel_tol=1e-9, abs_tol=1e-12)
    return bool(stored == again)


def evaluation_counts(version_ids: QuerySet[Any, Any]) -> EvaluationCounts:
    """In one statement; without an evaluation a version is not counted. The caller checks who may see them."""
    known = Evaluation.objects.filter(candidate__in=version_ids)
    newest = known.order_by().values("candidate").annotate(newest=Max("id")).values("newest")
    rows = Evaluation.objects.filter(pk__in=newest).order_by().values_list("status")
    return EvaluationCounts(**dict(rows.annotate(count=Count("id"))))


def evaluations_due() -> int:
    """How many wait for a worker, or lost theirs."""
    return Evaluation.objects.due().count()
