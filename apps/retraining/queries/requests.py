"""Reads of retraining. What the actor may not see does not exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, JSONObject, Now, TruncDate
from django.utils import timezone
from django.utils.text import slugify

from apps.core.errors import Missing
from apps.registry import queries as registry
from apps.retraining import estimates
from apps.retraining.estimates import Estimate, Passage
from apps.retraining.freezing import choose_segments, freeze
from apps.retraining.models import (
    BLOCKING,
    OPEN_RUNS,
    Pipeline,
    PipelineQuerySet,
    RequestQuerySet,
    RetrainingRequest,
    SegmentRun,
    SegmentRunQuerySet,
    Signal,
    TeamQuota,
    Worker,
)
from apps.retraining.plans import Window as TrainingWindow
from apps.retraining.plans import digest_of

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily, Segment
    from apps.registry.queries import EvaluationCounts

ALIVE = timedelta(seconds=20)
"""A worker reports every few seconds; silent for longer, it is shown as away."""
HISTORY = 300  # runs of the past that an estimate looks at
REQUESTS_OF_THE_PAST = 20


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
class Preview:
    """What sending would mean, nothing of it stored."""

    runs: int
    parameters: Mapping[str, Any]
    plan: Mapping[str, Any]  # what would be frozen
    digest: str  # of the plan
    estimate: Estimate | None  # None without history
    being_retrained: Sequence[str]  # chosen segments that another open request of the family retrains already
    queue_ahead: int  # runs that wait for the same workers


@dataclass(frozen=True)
class Failure:
    """Runs of a request that failed for the same reason."""

    cause: str
    reason: str
    count: int
    segments: Sequence[str]  # names, with the slug where the name alone does not tell which


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


def families_by_pipeline(actor: "User") -> dict[str, list[str]]:
    """Slugs of the families that each visible pipeline trains, by the pipeline's slug."""
    found: dict[str, list[str]] = {}
    named = Pipeline.objects.visible_to(actor).filter(families__isnull=False).values_list("slug", "families__slug")
    for pipeline, family in named:
        found.setdefault(pipeline, []).append(family)
    return found


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
    return seen.select_related("pipeline__team", "family__team", "requester", "approval__team").order_by("-id")


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
    runs = _whole(SegmentRun.objects.filter(request=request)).defer("log")
    return runs.order_by("segment__name", "segment__slug")


def segment_run(*, actor: "User", run_id: int) -> SegmentRun:
    """With its log, attempts and libraries. Raises Missing."""
    seen = SegmentRun.objects.filter(request__in=requests(actor).order_by().values("pk"), pk=run_id)
    found = _whole(seen).select_related("libraries").prefetch_related("attempts").first()
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


def on_their_way(request: RetrainingRequest) -> "list[Segment]":
    """Segments whose runs are open and not about to end, by name."""
    runs = request.runs.open().filter(cancel_requested_at=None).select_related("segment").defer("log")
    return [run.segment for run in runs.order_by("segment__name", "segment__slug")]


def failures(request: RetrainingRequest) -> list[Failure]:
    """What failed, grouped by cause and reason, the most frequent first."""
    failed = request.runs.order_by().filter(status=SegmentRun.Status.FAILED).values("cause", "reason")
    segment = JSONObject(name="segment__name", slug="segment__slug")
    named = ArrayAgg(segment, order_by=("segment__name", "segment__slug"))
    groups = failed.annotate(count=Count("id"), named=named).order_by("-count", "reason")
    return [_failure(**group) for group in groups]


def evaluations(request: RetrainingRequest) -> "EvaluationCounts":
    """How far the evaluations of the request's versions are."""
    made = request.runs.order_by().filter(version__isnull=False)
    return registry.evaluation_counts(made.values_list("version_id", flat=True))


def is_settled(request: RetrainingRequest) -> bool:
    """Nothing more comes of it by itself: trained, followed up, and each evaluation over."""
    return not request.is_open and request.followed_up_at is not None and not evaluations(request).open


def estimate(pipeline: Pipeline, runs: int) -> Estimate | None:
    """None as long as too few runs of the pipeline have succeeded to say."""
    past, singles = _passages(pipeline), _singles(pipeline)
    at_a_time = min(pipeline.max_concurrent, slots())
    return estimates.forecast(past=past, singles=singles, runs=runs, at_a_time=at_a_time)


def seconds_left(request: RetrainingRequest, progress: Progress) -> float | None:
    """Of an open request: at its own pace once it has one, before that as requests of its pipeline went."""
    if not request.is_open or not progress.open:
        return None
    own = None if _was_retried(request) else _at_own_pace(request, progress)
    if own is not None:
        return own
    expected = estimate(request.pipeline, progress.open)
    return expected.median if expected else None


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
        plan=plan,
        digest=digest_of(plan),
        estimate=estimate(pipeline, len(chosen)),
        being_retrained=[segment.slug for segment in chosen if segment.slug in busy],
        queue_ahead=SegmentRun.objects.open().count(),
    )


def being_retrained(family: "ModelFamily") -> set[str]:
    """Slugs of the family's segments with an open run."""
    return set(SegmentRun.objects.open().filter(request__family=family).values_list("segment__slug", flat=True))


def blocking_signals(family: "ModelFamily", segments: "Sequence[Segment]", window: TrainingWindow) -> QuerySet[Signal]:
    """Alarms about schema or volume of days that would be trained on, unless somebody has set them aside.

    A signal that names no window is about the day it was observed on; a training window that nobody knows has all.
    """
    alarms = Signal.objects.filter(family=family, kind__in=BLOCKING, is_alarm=True, set_aside_at=None)
    about = alarms.filter(Q(segment=None) | Q(segment__in=segments)).select_related("segment")
    days = about.annotate(
        first=Coalesce("window_first", TruncDate("observed_at")), last=Coalesce("window_last", TruncDate("observed_at"))
    )
    if window.last:
        days = days.filter(first__lte=window.last)
    return days.filter(last__gte=window.first) if window.first else days


def last_retrained(family: "ModelFamily", pipeline: Pipeline) -> dict[str, datetime]:
    """When each segment, by slug, last got a version of this pipeline, or was asked for one."""
    runs = SegmentRun.objects.filter(request__family=family, request__pipeline=pipeline).exclude(status="cancelled")
    asked = dict(runs.order_by().values_list("segment__slug").annotate(last=Max("request__created_at")))
    waiting = RetrainingRequest.objects.waiting_for_approval().filter(family=family, pipeline=pipeline)
    for request in waiting.order_by("id"):
        asked |= dict.fromkeys(request.plan["segments"], request.created_at)
    return asked


def workers() -> QuerySet[Worker]:
    """Every worker of the last days, those that are alive first, with `silent_for` (database's clock) and `busy`."""
    running = SegmentRun.objects.order_by().filter(status=SegmentRun.Status.RUNNING, worker=OuterRef("name"))
    busy = Subquery(running.values("worker").annotate(count=Count("id")).values("count"))
    known = Worker.objects.annotate(silent_for=Now() - F("seen_at"), busy=Coalesce(busy, 0))
    return known.order_by(F("stopped_at").asc(nulls_first=True), "-seen_at", "name")


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


def _failure(*, named: Sequence[Mapping[str, str]], **group: Any) -> Failure:
    return Failure(segments=[told_apart(**segment) for segment in named], **group)


def told_apart(*, name: str, slug: str) -> str:
    """Two cities of one name differ by their slugs, which then say more than the name."""
    return name if slug == slugify(name) else f"{name} ({slug})"


def _passages(pipeline: Pipeline) -> list[Passage]:
    """The newest requests that went through at once; one that was tried again later took no such time."""
    ended = (RetrainingRequest.Status.FINISHED, RetrainingRequest.Status.FINISHED_WITH_FAILURES)
    retried = SegmentRun.objects.filter(attempts_forgiven__gt=0).values("request")
    past = RetrainingRequest.objects.filter(pipeline=pipeline, status__in=ended).exclude(pk__in=retried)
    took = past.order_by("-finished_at").values_list(F("finished_at") - F("started_at"), "segments_total")
    return [Passage(duration.total_seconds(), runs) for duration, runs in took[:REQUESTS_OF_THE_PAST]]


def _singles(pipeline: Pipeline) -> list[float]:
    """Seconds that the newest runs took which succeeded."""
    past = SegmentRun.objects.filter(request__pipeline=pipeline, status=SegmentRun.Status.SUCCEEDED)
    took = past.order_by("-finished_at").values_list(F("finished_at") - F("started_at"), flat=True)[:HISTORY]
    return [duration.total_seconds() for duration in took]


def _was_retried(request: RetrainingRequest) -> bool:
    """Then its beginning says nothing of its pace."""
    return request.runs.filter(attempts_forgiven__gt=0).exists()


def _at_own_pace(request: RetrainingRequest, progress: Progress) -> float | None:
    if request.started_at is None:
        return None
    elapsed = (timezone.now() - request.started_at).total_seconds()
    return estimates.remaining(elapsed=elapsed, done=progress.done, rest=progress.open)


def _pipelines_seen(actor: "User") -> Any:
    return Pipeline.objects.visible_to(actor).order_by().values("pk")


def _whole(runs: SegmentRunQuerySet) -> SegmentRunQuerySet:
    """With everything that a page says about a run."""
    return runs.select_related(
        "segment", "request__pipeline__team", "request__family__team", "request__requester", "version__model"
    )
