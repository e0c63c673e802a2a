"""Reads of experiments, runs and logged models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Window, prefetch_related_objects
from django.db.models.functions import Mod, RowNumber

from apps.core.errors import Missing
from apps.tracking.models import (
    Experiment,
    ExperimentQuerySet,
    LoggedModel,
    LoggedModelQuerySet,
    Metric,
    Run,
    RunQuerySet,
    Upload,
)
from apps.tracking.points import Point

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.models import User

# One index probe per run and key, however long the histories are: DISTINCT ON would read every point.
LATEST = """
WITH RECURSIVE latest AS (
    SELECT point.* FROM unnest(%s::text[]) AS asked(run_id) CROSS JOIN LATERAL (
        SELECT run_id, key, value, step, timestamp FROM tracking_metric WHERE run_id = asked.run_id
        ORDER BY key DESC, step DESC, timestamp DESC, value DESC LIMIT 1
    ) AS point
    UNION ALL
    SELECT point.* FROM latest CROSS JOIN LATERAL (
        SELECT run_id, key, value, step, timestamp FROM tracking_metric
        WHERE run_id = latest.run_id AND key < latest.key
        ORDER BY key DESC, step DESC, timestamp DESC, value DESC LIMIT 1
    ) AS point
)
SELECT run_id, key, value, step, timestamp FROM latest ORDER BY run_id, key
"""


def experiments(actor: User) -> ExperimentQuerySet:
    """By name; deleted ones are not among them."""
    found = Experiment.objects.visible_to(actor).filter(deleted_at=None)
    return found.select_related("team", "created_by").order_by("name")


def experiment(*, actor: User, pk: str) -> Experiment:
    """A deleted one too. Raises Missing."""
    plain = pk if pk.isascii() and pk.isdigit() and len(pk) < 19 else "0"
    found = _whole_experiments(actor).filter(pk=int(plain)).first()
    if found is None:
        raise Missing(f"No Experiment with id={pk[:60]} exists")
    return found


def experiment_named(*, actor: User, name: str) -> Experiment:
    """A deleted one too. Raises Missing."""
    found = _whole_experiments(actor).filter(name=name).first() if "\0" not in name else None
    if found is None:
        raise Missing(f"Could not find experiment with name '{name}'")
    return found


def _whole_experiments(actor: User) -> ExperimentQuerySet:
    return Experiment.objects.visible_to(actor).select_related("team").prefetch_related("tags")


def runs(actor: User) -> RunQuerySet:
    """The newest first; deleted ones are not among them."""
    return _all_runs(actor).filter(deleted_at=None).order_by("-started_at", "-id")


def _all_runs(actor: User) -> RunQuerySet:
    return Run.objects.visible_to(actor).select_related("experiment__team", "user", "tree")


def run(*, actor: User, run_id: str) -> Run:
    """A deleted one too. Raises Missing."""
    found = _all_runs(actor).filter(pk=run_id).first() if "\0" not in run_id else None
    if found is None:
        raise Missing(f"Run with id={run_id[:60]} not found")
    return found


def whole_run(*, actor: User, run_id: str) -> Run:
    """With all it reported but its metrics. Raises Missing."""
    found = run(actor=actor, run_id=run_id)
    prefetch_related_objects([found], "params", "tags", "inputs__dataset", "model_links")
    return found


def runs_seen_by(actor: User) -> QuerySet[Any]:
    """The ids of the runs that this person may read, for a query of another app."""
    return Run.objects.visible_to(actor).order_by().values("pk")


def visible_run_ids(actor: User, ids: Iterable[str]) -> list[str]:
    """Those of the runs that this person may read."""
    wanted = [one for one in ids if "\0" not in one]
    return list(Run.objects.visible_to(actor).filter(pk__in=wanted).values_list("pk", flat=True))


def logged_models(actor: User) -> LoggedModelQuerySet:
    """Deleted ones are not among them."""
    found = LoggedModel.objects.visible_to(actor).filter(deleted_at=None)
    return found.select_related("experiment__team", "user", "tree").prefetch_related("tags", "params", "metrics")


def logged_model(*, actor: User, pk: str, deleted: bool = False) -> LoggedModel:
    """Raises Missing; with `deleted` a deleted one is found too."""
    there = LoggedModel.objects.visible_to(actor).select_related("experiment__team", "user", "tree", "run")
    there = there if deleted else there.filter(deleted_at=None)
    found = there.prefetch_related("tags", "params", "metrics").filter(pk=pk).first() if "\0" not in pk else None
    if found is None:
        raise Missing(f"Logged model with ID '{pk[:60]}' not found.")
    return found


def upload(*, actor: User, pk: UUID) -> Upload | None:
    """The actor's own, if it has begun."""
    return Upload.objects.visible_to(actor).select_related("tree").filter(pk=pk).first()


def metric_history(run: Run) -> QuerySet[Metric]:
    """Every reported point, by key in the order of its steps."""
    return Metric.objects.filter(run=run).order_by("key", "step", "timestamp", "value")


def points(*, run_ids: Iterable[str], key: str) -> QuerySet[Metric]:
    """One metric's points of these runs, in the order in which they were reported."""
    named = Metric.objects.filter(run__in=list(run_ids), key=key.replace("\0", ""))
    return named.order_by("run_id", "timestamp", "step", "value")


def sampled_points(*, run_ids: Iterable[str], key: str, first: int | None, last: int | None, most: int) -> list[Metric]:
    """At most `most` points of each run between two steps, evenly chosen, the last always among them."""
    named = points(run_ids=run_ids, key=key)
    if first is not None and last is not None:
        named = named.filter(step__range=(first, last))
    return list(_sampled(named, "run_id", most).order_by("run_id", "step", "timestamp", "value"))


def sampled_curves(*, run: Run, keys: int, most: int) -> dict[str, list[Metric]]:
    """The first `keys` metrics with several points, each with at most `most` of them, evenly chosen, the last too."""
    named = Metric.objects.filter(run=run)
    several = named.values("key").annotate(points=Count("pk")).filter(points__gt=1).order_by("key")
    wanted = list(several.values_list("key", flat=True)[:keys])
    curves: dict[str, list[Metric]] = {key: [] for key in wanted}
    for point in _sampled(named.filter(key__in=wanted), "key", most).order_by("key", "step", "timestamp", "value"):
        curves[point.key].append(point)
    return curves


def _sampled(points: QuerySet[Metric], each: str, most: int) -> QuerySet[Metric]:
    """At most `most` points for each value of that column, evenly chosen by their order, the last always among them."""
    place = Window(RowNumber(), partition_by=F(each), order_by=["step", "timestamp", "value"])
    count = Window(Count("pk"), partition_by=F(each))
    placed = points.order_by().annotate(place=place - 1, count=count, every=(F("count") + most - 1) / most)
    return placed.annotate(left=Mod("place", "every")).filter(Q(left=0) | Q(place=F("count") - 1))


def reported(run: Run) -> dict[str, float]:
    """The latest value per key, as MLflow counts it: highest step, then time, then value."""
    return reported_by_run([run.pk]).get(run.pk, {})


def reported_by_run(ids: Iterable[str]) -> dict[str, dict[str, float]]:
    """The latest values of many runs in one statement; a run without metrics is not in the answer."""
    return {run: {point.key: point.value for point in latest} for run, latest in latest_points(ids).items()}


def latest_points(ids: Iterable[str]) -> dict[str, list[Point]]:
    """The latest point per key of each run, by key; a run without metrics is not in the answer."""
    if not (asked := list(ids)):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(LATEST, [asked])
        rows = cursor.fetchall()
    found: dict[str, list[Point]] = {}
    for run_id, key, value, step, timestamp in rows:
        found.setdefault(run_id, []).append(Point(key, value, timestamp, step))
    return found
