"""What a request would mean, and how long it takes, told from the past of its pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.utils import timezone

from apps.platforms import queries as platforms
from apps.retraining import estimates
from apps.retraining.estimates import Estimate, Passage
from apps.retraining.freezing import choose_segments, freeze
from apps.retraining.models import Pipeline, RetrainingRequest, SegmentRun
from apps.retraining.plans import digest_of
from apps.retraining.queries.requests import Progress
from apps.retraining.queries.segments import being_retrained
from apps.retraining.queries.workers import slots

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily

HISTORY = 300  # runs of the past that an estimate looks at
REQUESTS_OF_THE_PAST = 20


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
    notice: str = ""  # why a platform that runs it would not begin at once


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
        queue_ahead=SegmentRun.objects.open().filter(request__pipeline__connection=pipeline.connection_id).count(),
        notice=_notice(pipeline),
    )


def estimate(pipeline: Pipeline, runs: int) -> Estimate | None:
    """None as long as too few runs of the pipeline have succeeded to say."""
    past, singles = _passages(pipeline), _singles(pipeline)
    own = slots() if pipeline.connection_id is None else pipeline.max_concurrent  # a platform has places of its own
    at_a_time = min(pipeline.max_concurrent, own)
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


def _notice(pipeline: Pipeline) -> str:
    if pipeline.connection_id is None:
        return ""
    wrong = platforms.trouble_of(pipeline.connection_id)
    said = [pipeline.platform_notice, f"{pipeline.connection}: {wrong}" if wrong else ""]
    return " ".join(filter(None, said))


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
