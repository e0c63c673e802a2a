"""Requests and their segment runs, how far they are, and what failed. What the actor may not see does not exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Sum
from django.db.models.functions import JSONObject
from django.utils.text import slugify

from apps.core.errors import Missing
from apps.registry import queries as registry
from apps.retraining.models import Pipeline, RequestQuerySet, RetrainingRequest, SegmentRun, SegmentRunQuerySet, Tally

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import Segment
    from apps.registry.queries import EvaluationCounts

LINE = (
    *("status", "attempt", "cancel_requested_at", "not_before", "progress", "message", "reason"),
    *("started_at", "finished_at"),
)
SUMS = {status: Sum(status, default=0) for status in Tally.STATUSES}  # in the order of Progress


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
class Failure:
    """Runs of a request that failed for the same reason."""

    cause: str
    reason: str
    count: int
    segments: Sequence[str]  # names, with the slug where the name alone does not tell which


def requests(actor: "User") -> RequestQuerySet:
    """Requests whose family and pipeline the actor may see, the newest first."""
    seen = RetrainingRequest.objects.filter(
        family__in=registry.families_seen(actor), pipeline__in=_pipelines_seen(actor)
    )
    return seen.select_related("pipeline__team", "family__team", "requester", "approval__team").order_by("-id")


def request(*, actor: "User", request_id: int) -> RetrainingRequest:
    """Raises Missing."""
    found = requests(actor).filter(pk=request_id).first()
    if found is None:
        raise Missing(f"There is no request #{request_id} here, or you may not see it.")
    return found


def runs_seen(actor: "User") -> SegmentRunQuerySet:
    """Segment runs of the requests that the actor may see, as a part of another query."""
    return SegmentRun.objects.filter(
        request__family__in=registry.families_seen(actor), request__pipeline__in=_pipelines_seen(actor)
    ).order_by()


def segment_runs(actor: "User") -> SegmentRunQuerySet:
    """Every segment run of the requests that the actor may see, the newest first; without its log."""
    return _whole(runs_seen(actor)).defer("log").order_by("-id")


def runs_of(request: RetrainingRequest) -> SegmentRunQuerySet:
    """The request's runs by segment name; the caller has checked that the reader may see it."""
    runs = _whole(SegmentRun.objects.filter(request=request)).defer("log")
    return runs.order_by("segment__name", "segment__slug")


def lines_of(request: RetrainingRequest) -> SegmentRunQuerySet:
    """The same with what a line of a table says, and no more: hundreds are drawn again every second or two."""
    named = ("segment__name", "segment__slug", "segment__region", "version__number")
    return request.runs.select_related("segment", "version").only("request", "run", *LINE, *named)


def segment_run(*, actor: "User", run_id: int) -> SegmentRun:
    """With its log, attempts and libraries. Raises Missing."""
    seen = runs_seen(actor).filter(pk=run_id)
    found = _whole(seen).select_related("libraries").prefetch_related("attempts").first()
    if found is None:
        raise Missing(f"There is no segment run {run_id} here, or you may not see it.")
    return found


def progress(request: RetrainingRequest) -> Progress:
    return progress_of([request.pk]).get(request.pk, Progress())


def progress_of(ids: Sequence[int]) -> dict[int, Progress]:
    """Progress of many requests, from the counts that the database keeps; a request without runs is left out."""
    rows = Tally.objects.filter(request__in=ids).order_by().values_list("request").annotate(**SUMS)
    return {request_id: Progress(*counts) for request_id, *counts in rows}


def progress_together(ids: Sequence[int]) -> Progress:
    """Of all these requests as if they were one."""
    return Progress(**Tally.objects.filter(request__in=ids).aggregate(**SUMS))


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


def told_apart(*, name: str, slug: str) -> str:
    """Two cities of one name differ by their slugs, which then say more than the name."""
    return name if slug == slugify(name) else f"{name} ({slug})"


def _failure(*, named: Sequence[Mapping[str, str]], **group: Any) -> Failure:
    return Failure(segments=[told_apart(**segment) for segment in named], **group)


def _pipelines_seen(actor: "User") -> Any:
    return Pipeline.objects.visible_to(actor).order_by().values("pk")


def _whole(runs: SegmentRunQuerySet) -> SegmentRunQuerySet:
    """With everything that a page says about a run."""
    return runs.select_related(
        "segment", "request__pipeline__team", "request__family__team", "request__requester", "version__model"
    )
