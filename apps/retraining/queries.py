"""Reads of retraining. What the actor may not see does not exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Min, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Now

from apps.core.errors import Missing
from apps.registry import queries as registry
from apps.retraining.freezing import choose_segments, freeze
from apps.retraining.models import (
    OPEN_RUNS,
    Pipeline,
    PipelineQuerySet,
    RequestQuerySet,
    RetrainingRequest,
    SegmentRun,
    SegmentRunQuerySet,
    Worker,
)
from apps.retraining.plans import digest_of

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily

ALIVE = timedelta(seconds=20)
"""A worker reports every few seconds; silent for longer, it is shown as away."""
HISTORY = 300  # runs of the past that an estimate looks at
ENOUGH_HISTORY = 5


@dataclass(frozen=True)
class Progress:
    """How far a request is: runs by status."""

    waiting: int = 0
    sent: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    no_data: int = 0

    @property
    def total(self) -> int:
        return self.open + self.done

    @property
    def open(self) -> int:
        return self.waiting + self.sent + self.running

    @property
    def done(self) -> int:
        return self.succeeded + self.failed + self.cancelled + self.no_data

    @property
    def fraction(self) -> float:
        """0 to 1."""
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True)
class Estimate:
    """Seconds until so many runs are over, from the runs of the past; `low` and `high` leave out a tenth each."""

    median: float
    low: float
    high: float
    history: int  # how many runs it is made from


@dataclass(frozen=True)
class Preview:
    """What sending would mean, nothing of it stored."""

    runs: int
    parameters: Mapping[str, Any]
    digest: str
    estimate: Estimate | None  # None without history
    being_retrained: Sequence[str]  # chosen segments that another open request of the family retrains already
    queue_ahead: int  # runs that wait for the same workers


@dataclass(frozen=True)
class Failure:
    """Runs of a request that failed for the same reason."""

    cause: str
    reason: str
    count: int
    segments: Sequence[str]  # names


@dataclass(frozen=True)
class QueueDepth:
    """Open runs of everybody by status; `oldest` seconds since the first of them was sent or asked for."""

    status: str
    count: int
    oldest: float


def pipelines(actor: "User") -> PipelineQuerySet:
    """Those that are switched on, the most used first."""
    active = Pipeline.objects.visible_to(actor).filter(is_active=True).select_related("team")
    used = RetrainingRequest.objects.filter(pipeline=OuterRef("pk")).order_by().values("pipeline")
    uses = Subquery(used.annotate(count=Count("pk")).values("count"))
    return active.annotate(uses=Coalesce(uses, 0)).order_by("-uses", "name")


def pipelines_of(actor: "User", family: "ModelFamily") -> PipelineQuerySet:
    return pipelines(actor).filter(families=family)


def pipeline(*, actor: "User", slug: str) -> Pipeline:
    """Raises Missing."""
    found = Pipeline.objects.visible_to(actor).select_related("team").filter(slug=slug).first()
    if found is None:
        raise Missing(f"There is no pipeline {slug!r} here, or you may not see it.")
    return found


def requests(actor: "User") -> RequestQuerySet:
    """Requests whose family and pipeline the actor may see, the newest first."""
    seen = RetrainingRequest.objects.filter(
        family__in=registry.families(actor).order_by().values("pk"), pipeline__in=_pipelines_seen(actor)
    )
    return seen.select_related("pipeline__team", "family__team", "requester").order_by("-id")


def request(*, actor: "User", request_id: int) -> RetrainingRequest:
    """Raises Missing."""
    found = requests(actor).filter(pk=request_id).first()
    if found is None:
        raise Missing(f"There is no request #{request_id} here, or you may not see it.")
    return found


def segment_runs(actor: "User") -> SegmentRunQuerySet:
    """Every segment run of the requests that the actor may see, the newest first; without its log."""
    seen = SegmentRun.objects.filter(request__in=requests(actor).order_by().values("pk"))
    return _whole(seen).defer("log").order_by("-id")


def runs_of(request: RetrainingRequest) -> SegmentRunQuerySet:
    """The request's runs by segment name; the caller has checked that the reader may see it."""
    return _whole(SegmentRun.objects.filter(request=request)).defer("log").order_by("segment__name")


def segment_run(*, actor: "User", run_id: int) -> SegmentRun:
    """With its log and attempts. Raises Missing."""
    seen = SegmentRun.objects.filter(request__in=requests(actor).order_by().values("pk"), pk=run_id)
    found = _whole(seen).prefetch_related("attempts").first()
    if found is None:
        raise Missing(f"There is no segment run {run_id} here, or you may not see it.")
    return found


def progress(request: RetrainingRequest) -> Progress:
    return progress_of([request.pk]).get(request.pk, Progress())


def progress_of(ids: Sequence[int]) -> dict[int, Progress]:
    """Progress of many requests in one statement."""
    rows = SegmentRun.objects.filter(request__in=ids).order_by().values_list("request", "status")
    counts: dict[int, dict[str, int]] = {}
    for request_id, status, count in rows.annotate(count=Count("id")):
        counts.setdefault(request_id, {})[status] = count
    return {request_id: Progress(**by_status) for request_id, by_status in counts.items()}


def failures(request: RetrainingRequest) -> list[Failure]:
    """What failed, grouped by cause and reason, the most frequent first."""
    failed = request.runs.order_by().filter(status=SegmentRun.Status.FAILED).values("cause", "reason")
    named = ArrayAgg("segment__name", order_by="segment__name")
    groups = failed.annotate(count=Count("id"), segments=named).order_by("-count", "reason")
    return [Failure(**group) for group in groups]


def estimate(pipeline: Pipeline, runs: int) -> Estimate | None:
    """None as long as too few runs of the pipeline have succeeded to say."""
    past = SegmentRun.objects.filter(request__pipeline=pipeline, status=SegmentRun.Status.SUCCEEDED)
    took = past.order_by("-finished_at").values_list(F("finished_at") - F("started_at"), flat=True)[:HISTORY]
    seconds = [duration.total_seconds() for duration in took]
    if len(seconds) < ENOUGH_HISTORY:
        return None
    rounds = runs / max(min(pipeline.max_concurrent, slots(), runs), 1)
    tenths = quantiles(seconds, n=10)
    return Estimate(median(seconds) * rounds, max(tenths[0], 0.0) * rounds, tenths[-1] * rounds, len(seconds))


def preview(
    *,
    pipeline: Pipeline,
    family: "ModelFamily",
    parameters: Mapping[str, Any],
    segments: Sequence[str] | None = None,
) -> Preview:
    """What `submit_request` would freeze; raises the same Invalid."""
    chosen = choose_segments(family, segments)
    plan = freeze(pipeline=pipeline, family=family, parameters=parameters, segments=chosen)
    busy = being_retrained(family)
    return Preview(
        runs=len(chosen),
        parameters=plan["parameters"],
        digest=digest_of(plan),
        estimate=estimate(pipeline, len(chosen)),
        being_retrained=[segment.slug for segment in chosen if segment.slug in busy],
        queue_ahead=SegmentRun.objects.open().count(),
    )


def being_retrained(family: "ModelFamily") -> set[str]:
    """Slugs of the family's segments with an open run."""
    return set(SegmentRun.objects.open().filter(request__family=family).values_list("segment__slug", flat=True))


def workers() -> QuerySet[Worker]:
    """Every worker of the last days, those that are alive first, with `silent_for` (database's clock) and `busy`."""
    running = SegmentRun.objects.order_by().filter(status=SegmentRun.Status.RUNNING, worker=OuterRef("name"))
    busy = Subquery(running.values("worker").annotate(count=Count("id")).values("count"))
    known = Worker.objects.annotate(silent_for=Now() - F("seen_at"), busy=Coalesce(busy, 0))
    return known.order_by(F("stopped_at").asc(nulls_first=True), "-seen_at", "name")


def is_alive(worker: Worker) -> bool:
    """Only for a row of `workers()`."""
    return worker.stopped_at is None and worker.silent_for < ALIVE  # type: ignore[attr-defined]


def slots() -> int:
    """How many runs the living workers of the queue `work` train at a time."""
    alive = Worker.objects.filter(stopped_at=None, seen_at__gt=Now() - ALIVE, queues__contains=["work"])
    return alive.aggregate(slots=Sum("slots"))["slots"] or 0


def queue_depths() -> list[QueueDepth]:
    """Waiting, sent and running, each even when there is none."""
    rows = SegmentRun.objects.open().order_by().values("status")
    waits = rows.annotate(count=Count("id"), oldest=Now() - Min("request__created_at"))
    found = {row["status"]: row for row in waits}
    return [_depth(status, found.get(status)) for status in OPEN_RUNS]


def _depth(status: str, row: Mapping[str, Any] | None) -> QueueDepth:
    return QueueDepth(status, row["count"], row["oldest"].total_seconds()) if row else QueueDepth(status, 0, 0.0)


def _pipelines_seen(actor: "User") -> Any:
    return Pipeline.objects.visible_to(actor).order_by().values("pk")


def _whole(runs: SegmentRunQuerySet) -> SegmentRunQuerySet:
    """With everything that a page says about a run."""
    return runs.select_related(
        "segment", "request__pipeline__team", "request__family__team", "request__requester", "version__model"
    )
