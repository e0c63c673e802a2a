"""The engine, step by step: drive, claim, renew, finish, and what accidents do to them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from pytest_django import Settings

from apps.accounts.models import User
from apps.artifacts.queries import files_of
from apps.platforms.base import Continue, End, Outcome, Progress
from apps.registry.models import Evaluation, ModelFamily, ModelVersion
from apps.retraining import actions
from apps.retraining.models import Attempt, Pipeline, RetrainingRequest, SegmentRun
from apps.tracking.models import Run
from apps.tracking.queries import reported, runs
from tests.retraining.conftest import Submit, claim_of, end_pauses, failure, lose_lease, run_of, success

pytestmark = pytest.mark.django_db
QUIET = Progress(None, "", "")


def test_driving_sends_what_waits_and_only_after_the_commit(
    submit: Submit, rings: list[tuple[Any, ...]], django_capture_on_commit_callbacks: Any
) -> None:
    request = submit()
    with django_capture_on_commit_callbacks() as callbacks:
        actions.drive(request_id=request.pk)
    assert not rings
    for ring in callbacks:
        ring()
    assert sorted(rings) == [("retraining.train", [run.pk], request.pk) for run in request.runs.all()]
    assert set(request.runs.values_list("status", flat=True)) == {"sent"}


def test_driving_twice_sends_once(
    submit: Submit, rings: list[tuple[Any, ...]], django_capture_on_commit_callbacks: Any
) -> None:
    request = submit()
    with django_capture_on_commit_callbacks(execute=True):
        actions.drive(request_id=request.pk)
        actions.drive(request_id=request.pk)
    assert len(rings) == 3


def test_no_more_runs_of_a_pipeline_are_on_their_way_than_it_allows(submit: Submit, pipeline: Pipeline) -> None:
    Pipeline.objects.update(max_concurrent=2)
    first, second = submit(), submit("atlanta")
    actions.drive(request_id=first.pk)
    actions.drive(request_id=second.pk)
    assert SegmentRun.objects.on_their_way().count() == 2
    assert run_of(second).status == "waiting"


def test_a_message_that_nobody_answers_is_sent_again(
    submit: Submit, rings: list[tuple[Any, ...]], django_capture_on_commit_callbacks: Any
) -> None:
    request = submit("atlanta")
    actions.drive(request_id=request.pk)
    SegmentRun.objects.update(sent_at=Now() - timedelta(minutes=2))
    with django_capture_on_commit_callbacks(execute=True):
        actions.drive(request_id=request.pk)
    assert rings == [("retraining.train", [run_of(request).pk], request.pk)]
    assert run_of(request).sends == 2


def test_the_coordinator_rings_for_every_request_that_is_not_over(
    submit: Submit, rings: list[tuple[Any, ...]], owner: User, django_capture_on_commit_callbacks: Any
) -> None:
    waiting, over = submit(), submit()
    actions.cancel_request(actor=owner, request=over)
    actions.drive(request_id=over.pk)
    actions.follow_up(request_id=over.pk)
    with django_capture_on_commit_callbacks(execute=True):
        actions.coordinate()
    assert rings == [("retraining.drive", waiting.pk)]


def test_a_claim_opens_the_tracking_run_before_the_script_starts(submit: Submit) -> None:
    request = submit("atlanta", alpha=2.5)
    claim = claim_of(request)
    run = run_of(request)
    assert (run.status, run.attempt, run.worker) == ("running", 1, "work@a")
    tracked = Run.objects.get(pk=claim.tracking_run)
    assert tracked == run.run
    assert (tracked.status, tracked.user) == ("RUNNING", request.requester)
    assert dict(tracked.params.values_list("key", "value"))["alpha"] == "2.5"
    assert dict(tracked.tags.values_list("key", "value"))["portal.segment"] == "atlanta"


def test_the_runs_of_a_restricted_family_are_seen_by_its_team_only(
    submit: Submit, family: ModelFamily, colleague: User, stranger: User
) -> None:
    ModelFamily.objects.filter(pk=family.pk).update(visibility="teams")
    claim_of(submit("atlanta"))
    assert runs(colleague).count() == 1
    assert not runs(stranger)


def test_the_same_message_twice_is_claimed_once(submit: Submit) -> None:
    request = submit("atlanta")
    claim_of(request)
    assert actions.claim(run_id=run_of(request).pk, worker="work@b") is None
    assert run_of(request).attempts.count() == 1


def test_a_message_that_comes_before_its_time_is_not_taken(submit: Submit) -> None:
    assert actions.claim(run_id=run_of(submit()).pk, worker="work@a") is None


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_the_same_moment_make_one_claim(submit: Submit) -> None:
    request = submit("atlanta")
    actions.drive(request_id=request.pk)
    run_id = run_of(request).pk

    def grab(number: int) -> bool:
        try:
            return actions.claim(run_id=run_id, worker=f"work@{number}") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(grab, range(8))) == 1
    assert (Attempt.objects.count(), Run.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_while_one_drive_is_at_a_request_another_leaves_it_alone(submit: Submit) -> None:
    request = submit("atlanta")
    with ThreadPoolExecutor(1) as other, transaction.atomic():
        RetrainingRequest.objects.select_for_update().get(pk=request.pk)
        other.submit(_drive_and_close, request.pk).result(timeout=20)
    assert run_of(request).status == "waiting"


def _drive_and_close(request_id: int) -> None:
    try:
        actions.drive(request_id=request_id)
    finally:
        connection.close()


def test_a_success_is_a_version_with_files_metrics_and_window(submit: Submit, tmp_path: Path) -> None:
    request = submit("atlanta")
    claim = claim_of(request)
    assert actions.finish(claim=claim, outcome=success(tmp_path))
    run = run_of(request)
    version = ModelVersion.objects.get()
    assert (run.status, run.version, run.progress, run.reason) == ("succeeded", version, 1.0, "")
    assert (version.origin, version.created_by) == (f"segment-run:{run.pk}", request.requester)
    assert (version.trained_from, version.trained_through) == (date(2013, 4, 1), date(2013, 6, 30))
    assert [file.path for file in files_of(version.its_tree)] == ["metrics.json", "model.json"]
    assert run.run is not None
    assert reported(run.run) == {"mae": 6.5}
    assert (run.run.status, run.attempts.get().end) == ("FINISHED", "succeeded")


def test_a_result_that_is_delivered_twice_makes_one_version(submit: Submit, tmp_path: Path) -> None:
    claim = claim_of(submit("atlanta"))
    assert actions.finish(claim=claim, outcome=success(tmp_path))
    assert not actions.finish(claim=claim, outcome=success(tmp_path))
    assert ModelVersion.objects.count() == 1


def test_no_data_is_an_answer_with_a_sentence_and_not_a_failure(submit: Submit) -> None:
    request = submit("atlanta")
    outcome = Outcome(End.NO_DATA, "no-data", "Only 2 of the 60 rows needed.", 0.1, {}, "")
    actions.finish(claim=claim_of(request), outcome=outcome)
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert (run_of(request).status, run_of(request).reason) == ("no_data", "Only 2 of the 60 rows needed.")
    assert request.status == "finished"


@pytest.mark.parametrize("cause", ["exit", "timeout", "memory", "output"])
def test_what_the_script_did_itself_fails_at_once(submit: Submit, cause: str) -> None:
    request = submit("atlanta")
    actions.finish(claim=claim_of(request), outcome=failure(cause))
    run = run_of(request)
    assert (run.status, run.cause, run.reason) == ("failed", cause, "It broke.")


@pytest.mark.parametrize("cause", ["lost", "start", "signal"])
def test_what_befell_the_script_is_tried_again_and_then_given_up(submit: Submit, cause: str) -> None:
    request = submit("atlanta")
    for attempt in (1, 2, 3):
        end_pauses()
        claim = claim_of(request)
        assert claim.attempt == attempt
        actions.finish(claim=claim, outcome=failure(cause))
    run = run_of(request)
    assert (run.status, run.reason) == ("failed", "It broke. It was tried 3 times.")
    assert [attempt.reason for attempt in run.attempts.all()] == ["It broke."] * 3


def test_before_the_next_try_there_is_a_pause_and_the_reason_is_shown(submit: Submit) -> None:
    request = submit("atlanta")
    actions.finish(claim=claim_of(request), outcome=failure("start", "The script was not reached."))
    actions.drive(request_id=request.pk)
    run = run_of(request)
    assert (run.status, run.reason) == ("waiting", "The script was not reached.")
    assert run.not_before is not None


def test_a_lost_worker_is_told_and_the_run_waits_again(submit: Submit) -> None:
    request = submit("atlanta")
    claim_of(request, worker="work@gone")
    lose_lease()
    actions.drive(request_id=request.pk)
    run = run_of(request)
    assert (run.status, run.attempt, run.reason) == ("waiting", 1, "The worker work@gone went away.")
    attempt = run.attempts.get()
    assert (attempt.end, attempt.reason) == ("lost", "The worker work@gone went away.")
    assert attempt.run.status == "KILLED"


def test_a_worker_that_is_lost_each_time_fails_the_run_with_the_sentence(submit: Submit) -> None:
    request = submit("atlanta")
    for _ in range(3):
        end_pauses()
        claim_of(request, worker="work@gone")
        lose_lease()
        actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert (request.status, run_of(request).status) == ("failed", "failed")
    assert run_of(request).reason == "The worker work@gone went away. It was tried 3 times."


def test_a_late_result_of_an_old_attempt_is_refused_and_told(submit: Submit, tmp_path: Path) -> None:
    request = submit("atlanta")
    old = claim_of(request, worker="work@slow")
    lose_lease()
    actions.drive(request_id=request.pk)
    end_pauses()
    new = claim_of(request, worker="work@fast")
    assert not actions.finish(claim=old, outcome=success(tmp_path))
    assert run_of(request).status == "running"
    assert actions.finish(claim=new, outcome=success(tmp_path))
    version = ModelVersion.objects.get()
    assert version.run_id == new.tracking_run
    told = run_of(request).attempts.get(number=1).reason
    assert told == "The worker work@slow went away. Its result (succeeded) came too late and was not taken."


def test_a_result_that_comes_while_the_run_waits_again_is_refused_too(submit: Submit, tmp_path: Path) -> None:
    request = submit("atlanta")
    old = claim_of(request)
    lose_lease()
    actions.drive(request_id=request.pk)
    assert not actions.finish(claim=old, outcome=success(tmp_path))
    assert (run_of(request).status, ModelVersion.objects.count()) == ("waiting", 0)


def test_an_old_attempt_can_not_renew_the_lease_of_the_new_one(submit: Submit) -> None:
    request = submit("atlanta")
    old = claim_of(request)
    lose_lease()
    actions.drive(request_id=request.pk)
    assert actions.renew(claim=old, progress=QUIET) is Continue.LOST
    end_pauses()
    claim_of(request)
    assert actions.renew(claim=old, progress=QUIET) is Continue.LOST


def test_a_heartbeat_keeps_the_lease_and_shows_progress_and_log(submit: Submit) -> None:
    request = submit("atlanta")
    claim = claim_of(request)
    lose_lease()
    assert actions.renew(claim=claim, progress=Progress(0.25, "fitting", "one\n")) is Continue.GO
    assert actions.renew(claim=claim, progress=Progress(None, "", "two\n")) is Continue.GO
    actions.drive(request_id=request.pk)
    run = run_of(request)
    assert (run.status, run.progress, run.message, run.log) == ("running", 0.25, "fitting", "one\ntwo\n")


def test_only_the_end_of_a_long_log_is_kept(submit: Submit) -> None:
    request = submit("atlanta")
    claim = claim_of(request)
    for letter in "abc":
        actions.renew(claim=claim, progress=Progress(None, "", letter * 40_000))
    log = run_of(request).log
    assert (len(log), log[0], log[-1]) == (65_536, "b", "c")


def test_the_wish_to_cancel_reaches_the_worker_with_its_heartbeat(submit: Submit, owner: User) -> None:
    request = submit("atlanta")
    claim = claim_of(request)
    actions.cancel_request(actor=owner, request=request)
    actions.drive(request_id=request.pk)
    assert run_of(request).status == "running"
    assert actions.renew(claim=claim, progress=QUIET) is Continue.CANCEL
    actions.finish(claim=claim, outcome=Outcome(End.CANCELLED, "cancelled", "It was cancelled.", 1.0, {}, ""))
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert (request.status, run_of(request).status) == ("cancelled", "cancelled")
    assert Run.objects.get(pk=claim.tracking_run).status == "KILLED"


def test_nothing_is_claimed_for_a_request_that_is_being_cancelled(submit: Submit, owner: User) -> None:
    request = submit("atlanta")
    actions.drive(request_id=request.pk)
    actions.cancel_request(actor=owner, request=request)
    assert actions.claim(run_id=run_of(request).pk, worker="work@a") is None


def test_a_worker_that_dies_while_it_is_stopping_leaves_a_cancelled_run(submit: Submit, owner: User) -> None:
    request = submit("atlanta")
    claim_of(request)
    actions.cancel_request(actor=owner, request=request)
    lose_lease()
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert (request.status, run_of(request).status) == ("cancelled", "cancelled")


def test_a_success_that_was_faster_than_the_wish_to_cancel_counts(submit: Submit, owner: User, tmp_path: Path) -> None:
    request = submit("atlanta")
    claim = claim_of(request)
    actions.cancel_request(actor=owner, request=request)
    assert actions.finish(claim=claim, outcome=success(tmp_path))
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert request.status == "finished"


@pytest.mark.parametrize("metrics", ["", "[]", '{"mae": "good"}'])
def test_metrics_that_are_no_numbers_fail_the_run_with_a_sentence(submit: Submit, tmp_path: Path, metrics: str) -> None:
    request = submit("atlanta")
    actions.finish(claim=claim_of(request), outcome=success(tmp_path, **{"metrics.json": metrics}))
    run = run_of(request)
    assert (run.status, run.cause) == ("failed", "output")
    assert "metrics.json" in run.reason
    assert not ModelVersion.objects.exists()


def test_a_requester_who_left_the_team_gets_a_failed_run_with_the_reason(submit: Submit, owner: User) -> None:
    from apps.retraining import training

    request = submit("atlanta")
    actions.drive(request_id=request.pk)
    owner.memberships.all().delete()
    training.train(run_of(request).pk, worker="work@a")
    run = run_of(request)
    assert (run.status, run.cause) == ("failed", "refused")
    assert run.reason.endswith(".")


def test_a_requester_who_leaves_while_it_trains_gets_no_version_and_a_reason(
    submit: Submit, owner: User, tmp_path: Path
) -> None:
    request = submit("atlanta")
    claim = claim_of(request)
    owner.memberships.all().delete()
    assert actions.finish(claim=claim, outcome=success(tmp_path))
    run = run_of(request)
    assert (run.status, run.cause) == ("failed", "registry")
    assert "the version was refused" in run.reason
    assert not ModelVersion.objects.exists()


def test_a_request_ends_when_its_last_run_has(submit: Submit, tmp_path: Path) -> None:
    request = submit("atlanta", "boston")
    actions.finish(claim=claim_of(request, "atlanta"), outcome=success(tmp_path))
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert request.status == "running"
    actions.finish(claim=claim_of(request, "boston"), outcome=failure("exit"))
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert request.status == "finished_with_failures"
    assert request.finished_at is not None


def test_without_a_day_of_labels_the_request_says_why_nothing_was_evaluated(
    submit: Submit, pipeline: Pipeline, tmp_path: Path
) -> None:
    Pipeline.objects.update(after_success="evaluate")
    pipeline.refresh_from_db()
    request = submit("atlanta")
    actions.finish(claim=claim_of(request), outcome=success(tmp_path))
    actions.drive(request_id=request.pk)
    actions.follow_up(request_id=request.pk)
    request.refresh_from_db()
    assert request.status == "finished"
    assert "labels" in request.follow_up_note


def test_versions_are_evaluated_once_after_the_request_is_over(
    submit: Submit, pipeline: Pipeline, family: ModelFamily, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "evaluator.py").write_text("")
    settings.EVALUATORS = {"toy": {"script": tmp_path / "evaluator.py", "data": None, "preload": []}}
    ModelFamily.objects.update(labelled_until=date(2013, 7, 31), evaluator="toy")
    Pipeline.objects.update(after_success="evaluate")
    pipeline.refresh_from_db()
    family.refresh_from_db()
    request = submit("atlanta")
    actions.finish(claim=claim_of(request), outcome=success(tmp_path))
    actions.follow_up(request_id=request.pk)
    assert not Evaluation.objects.exists()
    actions.drive(request_id=request.pk)
    actions.follow_up(request_id=request.pk)
    actions.follow_up(request_id=request.pk)
    evaluation = Evaluation.objects.get()
    assert evaluation.candidate == run_of(request).version
    assert (evaluation.window_first, evaluation.window_last) == (date(2013, 7, 1), date(2013, 7, 31))


def test_one_lost_run_does_not_hold_up_the_others(submit: Submit, tmp_path: Path) -> None:
    request = submit("atlanta", "boston")
    claim_of(request, "atlanta")
    lose_lease()
    boston = claim_of(request, "boston")
    assert actions.finish(claim=replace(boston), outcome=success(tmp_path))
    assert (run_of(request, "atlanta").status, run_of(request, "boston").status) == ("waiting", "succeeded")
