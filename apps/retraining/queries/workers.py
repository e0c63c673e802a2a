"""Workers, what they can take, and what waits for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, F, Min, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Now

from apps.core.errors import Missing
from apps.retraining.models import OPEN_RUNS, SegmentRun, TeamQuota, Worker
from apps.retraining.queries.requests import runs_seen

if TYPE_CHECKING:
    from apps.accounts.models import User

ALIVE = timedelta(seconds=20)
"""A worker reports every few seconds; silent for longer, it is shown as away."""


@dataclass(frozen=True)
class QueueDepth:
    """Open runs of everybody by status; `oldest` seconds since the first of them was sent or asked for."""

    status: str
    count: int
    oldest: float


def workers() -> QuerySet[Worker]:
    """Every worker of the last days, those that are alive first, with `silent_for` (database's clock) and `busy`."""
    running = SegmentRun.objects.order_by().filter(status=SegmentRun.Status.RUNNING, worker=OuterRef("name"))
    busy = Subquery(running.values("worker").annotate(count=Count("id")).values("count"))
    known = Worker.objects.annotate(silent_for=Now() - F("seen_at"), busy=Coalesce(busy, 0))
    return known.order_by(F("stopped_at").asc(nulls_first=True), "-seen_at", "name")


def running_on(actor: "User") -> dict[str, list[SegmentRun]]:
    """What each worker runs, by its name, as far as the actor may see it; the longest first, with their segments."""
    running = runs_seen(actor).filter(status=SegmentRun.Status.RUNNING).order_by("started_at", "id")
    found: dict[str, list[SegmentRun]] = {}
    for run in running.select_related("segment").only("worker", "request", "segment__name"):
        found.setdefault(run.worker, []).append(run)
    return found


def worker(name: str) -> Worker:
    """Raises Missing."""
    found = Worker.objects.filter(name=name).first()
    if found is None:
        raise Missing(f"There is no worker {name!r}; reload the list.")
    return found


def is_alive(worker: Worker) -> bool:
    """Only for a row of `workers()`."""
    return worker.stopped_at is None and worker.silent_for < ALIVE  # type: ignore[attr-defined]


def team_quotas() -> QuerySet[TeamQuota]:
    """By team."""
    return TeamQuota.objects.select_related("team").order_by("team__name")


def is_draining(worker: str) -> bool:
    """What the worker itself asks, by name, at each of its reports."""
    return Worker.objects.filter(name=worker, draining_since__isnull=False).exists()


def slots() -> int:
    """How many runs the living workers of the queue `work` train at a time."""
    alive = Worker.objects.filter(
        stopped_at=None, draining_since=None, seen_at__gt=Now() - ALIVE, queues__contains=["work"]
    )
    return alive.aggregate(slots=Sum("slots"))["slots"] or 0


def queue_depths() -> list[QueueDepth]:
    """Waiting, sent and running, each even when there is none."""
    rows = SegmentRun.objects.open().order_by().values("status")
    waits = rows.annotate(count=Count("id"), oldest=Now() - Min("request__created_at"))
    found = {row["status"]: row for row in waits}
    return [_depth(status, found.get(status)) for status in OPEN_RUNS]


def _depth(status: str, row: Mapping[str, Any] | None) -> QueueDepth:
    return QueueDepth(status, row["count"], row["oldest"].total_seconds()) if row else QueueDepth(status, 0, 0.0)
