"""Reads of experiments and runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import QuerySet

from apps.core.errors import Missing
from apps.tracking.models import Experiment, ExperimentQuerySet, Metric, Run, RunQuerySet

if TYPE_CHECKING:
    from apps.accounts.models import User

# One index probe per run and key, however long the histories are: DISTINCT ON would read every point.
LATEST = """
WITH RECURSIVE latest AS (
    SELECT point.* FROM unnest(%s::text[]) AS asked(run_id) CROSS JOIN LATERAL (
        SELECT run_id, key, value FROM tracking_metric WHERE run_id = asked.run_id
        ORDER BY key DESC, step DESC, timestamp DESC, value DESC LIMIT 1
    ) AS point
    UNION ALL
    SELECT point.* FROM latest CROSS JOIN LATERAL (
        SELECT run_id, key, value FROM tracking_metric WHERE run_id = latest.run_id AND key < latest.key
        ORDER BY key DESC, step DESC, timestamp DESC, value DESC LIMIT 1
    ) AS point
)
SELECT run_id, key, value FROM latest ORDER BY run_id, key
"""


def experiments(actor: User) -> ExperimentQuerySet:
    """By name."""
    return Experiment.objects.visible_to(actor).select_related("team", "created_by").order_by("name")


def runs(actor: User) -> RunQuerySet:
    """The newest first."""
    found = Run.objects.visible_to(actor).select_related("experiment__team", "user", "tree")
    return found.order_by("-started_at", "-id")


def run(*, actor: User, run_id: str) -> Run:
    """Raises Missing."""
    found = runs(actor).filter(pk=run_id).first() if "\0" not in run_id else None
    if found is None:
        raise Missing("There is no run of that id here, or you may not see it.")
    return found


def metric_history(run: Run) -> QuerySet[Metric]:
    """Every reported point, by key in the order of its steps."""
    return Metric.objects.filter(run=run).order_by("key", "step", "timestamp", "value")


def reported(run: Run) -> dict[str, float]:
    """The latest value per key, as MLflow counts it: highest step, then time, then value."""
    return reported_by_run([run.pk]).get(run.pk, {})


def reported_by_run(ids: Iterable[str]) -> dict[str, dict[str, float]]:
    """The latest values of many runs in one statement; a run without metrics is not in the answer."""
    with connection.cursor() as cursor:
        cursor.execute(LATEST, [list(ids)])
        latest = cursor.fetchall()
    found: dict[str, dict[str, float]] = {}
    for run_id, key, value in latest:
        found.setdefault(run_id, {})[key] = value
    return found
