"""What has to be true at the end, whatever happened on the way."""

from collections import Counter

from apps.audit.models import AuditEvent
from apps.registry.models import ModelVersion
from apps.retraining.models import Attempt, RetrainingRequest, SegmentRun
from apps.tracking.models import Run
from tests.tallies import assert_counts_are_true

ENDS = {"succeeded": "succeeded", "no_data": "no data"}
"""How a run ends → how its last attempt does."""


def is_over(request: RetrainingRequest) -> bool:
    return not RetrainingRequest.objects.open().filter(pk=request.pk).exists()


def done(request: RetrainingRequest) -> int:
    return SegmentRun.objects.filter(request=request, finished_at__isnull=False).count()


def assert_every_run_ended_once(*requests: RetrainingRequest) -> None:
    """Each run with one end; one version per success, of the attempt that succeeded; every lost attempt told.

    The counts that the database keeps say the same. `requests` are all that there are.
    """
    runs = [run for request in requests for run in _runs_of(request)]
    ends = Counter(run.status for run in runs)
    assert set(ends) <= set(ENDS), [(run.segment.slug, run.reason) for run in runs if run.status not in ENDS]
    for run in runs:
        _assert_attempts_add_up(run)
    _assert_one_version_each([run for run in runs if run.status == "succeeded"])
    assert not Run.objects.filter(status="RUNNING").exists()
    assert_counts_are_true()


def _runs_of(request: RetrainingRequest) -> list[SegmentRun]:
    request.refresh_from_db()
    runs = list(request.runs.select_related("version", "segment").prefetch_related("attempts"))
    assert request.status == "finished", Counter(run.status for run in runs)
    assert len(runs) == request.segments_total
    return runs


def lost_attempts(request: RetrainingRequest) -> int:
    return Attempt.objects.filter(segment_run__request=request, end="lost").count()


def _assert_attempts_add_up(run: SegmentRun) -> None:
    attempts = list(run.attempts.all())
    assert [attempt.number for attempt in attempts] == list(range(1, run.attempt + 1)), run
    assert [attempt.end for attempt in attempts[:-1]] == ["lost"] * (len(attempts) - 1), run
    assert all("went away" in attempt.reason for attempt in attempts[:-1]), run
    assert attempts[-1].end == ENDS[run.status], run
    assert run.run_id == attempts[-1].run_id


def _assert_one_version_each(succeeded: list[SegmentRun]) -> None:
    assert ModelVersion.objects.count() == len(succeeded)
    for run in succeeded:
        assert run.version is not None
        assert (run.version.origin, run.version.run_id) == (run.origin, run.run_id), run
    registered = AuditEvent.objects.filter(action="registry.version_registered").values_list("target_id", flat=True)
    assert Counter(registered) == Counter(str(run.version_id) for run in succeeded)
