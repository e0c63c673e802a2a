"""What is shown: progress, failures, estimates, workers, and to whom."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from apps.accounts.models import User
from apps.core.context import Credential, Door, present, through
from apps.core.errors import Invalid, Missing
from apps.registry.models import ModelFamily, Segment
from apps.retraining import actions, queries
from apps.retraining.models import Pipeline, RetrainingRequest, SegmentRun, Worker
from apps.retraining.queries import oversight
from tests.retraining.conftest import CITIES, Submit, claim_of, failure, run_of, success

pytestmark = pytest.mark.django_db


def report(name: str = "work@a", queue: str = "work", slots: int = 2) -> actions.WorkerReport:
    return actions.WorkerReport(name=name, pid=7, host="a", queues=[queue], slots=slots)


def ten_in_thirty_seconds(submit: Submit, folder: Path) -> None:
    """Two requests are over whose ten runs each took a second and went through in thirty."""
    for _ in range(2):
        request = submit()
        for city in CITIES:
            actions.finish(claim=claim_of(request, city), outcome=success(folder))
        actions.drive(request_id=request.pk)
    RetrainingRequest.objects.update(segments_total=10, finished_at=F("started_at") + timedelta(seconds=30))
    SegmentRun.objects.update(finished_at=F("started_at") + timedelta(seconds=1))


def test_progress_counts_runs_by_status(submit: Submit, tmp_path: Path) -> None:
    request = submit()
    assert queries.progress(request) == queries.Progress(waiting=3)
    actions.finish(claim=claim_of(request, "atlanta"), outcome=success(tmp_path))
    progress = queries.progress(request)
    assert (progress.total, progress.open, progress.done, progress.succeeded) == (3, 2, 1, 1)
    assert progress.fraction == pytest.approx(1 / 3)


def test_failures_of_the_same_reason_stand_together(submit: Submit) -> None:
    request = submit()
    for city, reason in (("atlanta", "It broke."), ("boston", "It broke."), ("chicago", "Other.")):
        actions.finish(claim=claim_of(request, city), outcome=failure("exit", reason))
    assert queries.failures(request) == [
        queries.Failure("exit", "It broke.", 2, ["Atlanta", "Boston"]),
        queries.Failure("exit", "Other.", 1, ["Chicago"]),
    ]


def test_cities_of_one_name_are_told_apart_and_stand_by_slug(submit: Submit) -> None:
    Segment.objects.filter(slug__in=("boston", "chicago")).update(name="Boston")
    request = submit()
    for city in ("chicago", "boston"):
        actions.finish(claim=claim_of(request, city), outcome=failure("exit"))
    assert queries.failures(request)[0].segments == ["Boston", "Boston (chicago)"]
    for runs in (queries.runs_of(request), oversight.worst_first(queries.runs_of(request).filter(status="failed"))):
        slugs = list(runs.values_list("segment__slug", flat=True))
        assert slugs[-2:] == ["boston", "chicago"]


def test_without_history_there_is_no_estimate(pipeline: Pipeline) -> None:
    assert queries.estimate(pipeline, 10) is None


def test_the_estimate_comes_from_past_runs_and_the_workers_that_are_there(
    submit: Submit, pipeline: Pipeline, tmp_path: Path
) -> None:
    actions.note_worker(report=report(slots=2))
    for _ in range(3):
        request = submit("atlanta", "boston")
        for city in ("atlanta", "boston"):
            actions.finish(claim=claim_of(request, city), outcome=success(tmp_path))
    SegmentRun.objects.update(finished_at=F("started_at") + timedelta(seconds=10))
    estimate = queries.estimate(pipeline, 8)
    assert estimate is not None
    assert estimate.median == pytest.approx(40)
    assert estimate.history == 6
    assert estimate.low <= estimate.median <= estimate.high


def test_a_request_of_some_size_tells_how_fast_the_next_one_goes(
    submit: Submit, pipeline: Pipeline, tmp_path: Path
) -> None:
    ten_in_thirty_seconds(submit, tmp_path)
    estimate = queries.estimate(pipeline, 6)
    assert estimate is not None
    assert (estimate.median, estimate.history) == (18, 20)


def test_what_is_left_is_told_as_past_requests_went_until_it_has_a_pace(submit: Submit, tmp_path: Path) -> None:
    ten_in_thirty_seconds(submit, tmp_path)
    request = submit()
    assert queries.seconds_left(request, queries.progress(request)) == 9
    request.started_at, request.status = timezone.now() - timedelta(seconds=50), "running"
    left = queries.seconds_left(request, queries.Progress(waiting=20, succeeded=100))
    assert left == pytest.approx(10, abs=1)
    request.runs.update(attempts_forgiven=1)
    assert queries.seconds_left(request, queries.Progress(waiting=6, succeeded=100)) == 18


def test_a_preview_stores_nothing_and_tells_what_is_being_retrained(
    submit: Submit, pipeline: Pipeline, family: ModelFamily
) -> None:
    sent = submit("boston")
    preview = queries.preview(pipeline=pipeline, family=family, parameters={"alpha": 3})
    assert (preview.runs, preview.being_retrained, preview.queue_ahead) == (3, ["boston"], 1)
    assert preview.parameters["window_months"] == 3
    assert SegmentRun.objects.count() == sent.segments_total
    again = queries.preview(pipeline=pipeline, family=family, parameters={}, segments=["boston"])
    assert again.digest == sent.digest


def test_a_preview_refuses_what_sending_would_refuse(pipeline: Pipeline, family: ModelFamily) -> None:
    with pytest.raises(Invalid) as caught:
        queries.preview(pipeline=pipeline, family=family, parameters={"alpha": "x"})
    assert "parameters.alpha" in caught.value.errors


def test_a_restricted_family_hides_its_requests_from_strangers(
    submit: Submit, family: ModelFamily, colleague: User, stranger: User
) -> None:
    request = submit()
    ModelFamily.objects.filter(pk=family.pk).update(visibility="teams")
    assert queries.request(actor=colleague, request_id=request.pk) == request
    assert list(queries.segment_runs(colleague)) != []
    assert list(queries.requests(stranger)) == []
    assert list(queries.segment_runs(stranger)) == []
    with pytest.raises(Missing):
        queries.request(actor=stranger, request_id=request.pk)
    with pytest.raises(Missing):
        queries.segment_run(actor=stranger, run_id=run_of(request).pk)


def test_a_restricted_pipeline_is_hidden_from_strangers(pipeline: Pipeline, colleague: User, stranger: User) -> None:
    Pipeline.objects.update(visibility="teams")
    assert list(queries.pipelines(colleague)) == [pipeline]
    with pytest.raises(Missing):
        queries.pipeline(actor=stranger, slug="toy")


@pytest.mark.parametrize(
    ("families", "teams", "sees"), [({"eta-trip"}, (), 1), ({"other"}, (), 0), ((), {"rides-eta"}, 1), ((), {"x"}, 0)]
)
def test_a_narrowed_token_reads_only_its_part(
    submit: Submit, owner: User, families: Any, teams: Any, sees: int
) -> None:
    submit("atlanta")
    with through(Door.API):
        present(Credential("t", frozenset({"read"}), teams=frozenset(teams), families=frozenset(families)))
        assert queries.pipelines(owner).count() == sees
        assert queries.requests(owner).count() == sees
        assert queries.segment_runs(owner).count() == sees


def test_workers_that_went_silent_or_said_goodbye_are_not_alive(submit: Submit) -> None:
    for name in ("work@alive", "work@silent", "work@gone"):
        actions.note_worker(report=report(name))
    Worker.objects.filter(name="work@silent").update(seen_at=Now() - timedelta(minutes=1))
    actions.note_worker_stopped(name="work@gone")
    assert {worker.name: queries.is_alive(worker) for worker in queries.workers()} == {
        "work@alive": True,
        "work@silent": False,
        "work@gone": False,
    }
    assert queries.slots() == 2


def test_a_worker_shows_what_it_works_on(submit: Submit) -> None:
    actions.note_worker(report=report("work@a"))
    claim_of(submit("atlanta"), worker="work@a")
    assert [vars(worker)["busy"] for worker in queries.workers()] == [1]


def test_a_worker_that_starts_again_begins_a_new_life() -> None:
    actions.note_worker(report=report(), starting=True)
    Worker.objects.update(started_at=Now() - timedelta(days=1), stopped_at=Now())
    actions.note_worker(report=report(), starting=True)
    worker = queries.workers().get()
    assert queries.is_alive(worker)
    assert worker.seen_at - worker.started_at < timedelta(hours=1)


def test_queue_depths_name_every_open_status(submit: Submit) -> None:
    claim_of(submit("atlanta"))
    submit("boston", "chicago")
    assert {depth.status: depth.count for depth in queries.queue_depths()} == {"waiting": 2, "sent": 0, "running": 1}
