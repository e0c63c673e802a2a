"""What people may do to a request that was sent, and what the engine itself does to one that only fails."""

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Team, User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Denied, Invalid
from apps.platforms.base import Continue, Progress
from apps.registry.models import ModelFamily
from apps.retraining import actions, queries
from apps.retraining.models import Pipeline, RetrainingRequest, SegmentRun, TeamQuota, Worker
from tests.retraining.conftest import Submit, claim_of, failure, run_of, success

pytestmark = pytest.mark.django_db
QUIET = Progress(None, "", "")


def statuses(request: RetrainingRequest) -> dict[str, str]:
    return dict(request.runs.values_list("segment__slug", "status"))


def fail(request: RetrainingRequest, segment: str, reason: str = "the column fare is missing") -> None:
    actions.finish(claim=claim_of(request, segment), outcome=failure("exit", reason))
    actions.drive(request_id=request.pk)
    request.refresh_from_db()


@pytest.fixture
def two_at_a_time(pipeline: Pipeline) -> None:
    Pipeline.objects.update(max_concurrent=2, stop_after=2)
    pipeline.refresh_from_db()


def test_the_same_failure_in_a_row_holds_what_was_not_sent(submit: Submit, two_at_a_time: None) -> None:
    request = submit()
    fail(request, "atlanta")
    fail(request, "boston")
    assert request.held_because == "2 segments in a row failed for the same reason: the column fare is missing"
    assert statuses(request) == {"atlanta": "failed", "boston": "failed", "chicago": "waiting"}


def test_a_resumed_request_goes_on_and_counts_anew(submit: Submit, two_at_a_time: None, owner: User) -> None:
    request = submit()
    fail(request, "atlanta")
    fail(request, "boston")
    actions.resume_request(actor=owner, request=request)
    actions.drive(request_id=request.pk)
    assert statuses(request)["chicago"] == "sent"
    fail(request, "chicago")
    assert request.status == "failed"


def test_only_failures_for_one_reason_are_retried_when_asked_so(submit: Submit, owner: User) -> None:
    request = submit("atlanta", "boston")
    fail(request, "atlanta", "no memory")
    fail(request, "boston", "no column")
    actions.retry_failed(actor=owner, request=request, reason="no column")
    assert statuses(request) == {"atlanta": "failed", "boston": "waiting"}
    with pytest.raises(Conflict, match="nothing to retry"):
        actions.retry_failed(actor=owner, request=request, reason="no such reason")


def test_a_canary_runs_before_the_others(submit: Submit, pipeline: Pipeline, tmp_path: Path) -> None:
    Pipeline.objects.update(canary=1)
    pipeline.refresh_from_db()
    request = submit()
    actions.drive(request_id=request.pk)
    first = request.runs.order_by("id").first()
    assert first is not None
    assert sorted(statuses(request).values()) == ["sent", "waiting", "waiting"]
    actions.finish(claim=claim_of(request, first.segment.slug), outcome=success(tmp_path))
    actions.drive(request_id=request.pk)
    assert sorted(statuses(request).values()) == ["sent", "sent", "succeeded"]


def test_a_canary_that_fails_holds_the_others(submit: Submit, pipeline: Pipeline, owner: User) -> None:
    Pipeline.objects.update(canary=1)
    pipeline.refresh_from_db()
    request = submit()
    first = request.runs.order_by("id").first()
    assert first is not None
    fail(request, first.segment.slug)
    assert request.held_because.startswith(f"{first.segment.name} ran first, to try this out, and failed:")
    actions.retry_run(actor=owner, run=first)
    actions.resume_request(actor=owner, request=request)
    actions.drive(request_id=request.pk)
    assert sorted(statuses(request).values()) == ["sent", "waiting", "waiting"]


def test_a_held_request_starts_nothing_and_what_runs_goes_on(submit: Submit, owner: User, tmp_path: Path) -> None:
    request = submit()
    claim = claim_of(request, "atlanta")
    actions.hold_request(actor=owner, request=request, reason="The warehouse is down.")
    assert actions.claim(run_id=run_of(request, "boston").pk, worker="work@a") is None
    actions.drive(request_id=request.pk)
    assert statuses(request) == {"atlanta": "running", "boston": "waiting", "chicago": "waiting"}
    assert actions.renew(claim=claim, progress=QUIET) is Continue.GO
    assert actions.finish(claim=claim, outcome=success(tmp_path))


def test_a_held_request_can_be_cancelled(submit: Submit, owner: User) -> None:
    request = submit()
    actions.hold_request(actor=owner, request=request, reason="The warehouse is down.")
    actions.cancel_request(actor=owner, request=request)
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert (request.status, request.held_because) == ("cancelled", "")


def test_holding_wants_a_reason_and_an_open_request(submit: Submit, owner: User) -> None:
    request = submit("atlanta")
    with pytest.raises(Invalid, match="Say why"):
        actions.hold_request(actor=owner, request=request, reason=" ")
    with pytest.raises(Conflict, match="not held"):
        actions.resume_request(actor=owner, request=request)
    fail(request, "atlanta")
    with pytest.raises(Conflict, match="can not be held"):
        actions.hold_request(actor=owner, request=request, reason="Too late.")


def test_segments_are_taken_out_and_the_others_end_well(submit: Submit, owner: User, tmp_path: Path) -> None:
    request = submit()
    running = claim_of(request, "atlanta")
    assert actions.cancel_runs(actor=owner, request=request, segments=["atlanta", "boston"], reason="No flights.") == 2
    actions.drive(request_id=request.pk)
    assert statuses(request) == {"atlanta": "running", "boston": "cancelled", "chicago": "sent"}
    assert SegmentRun.objects.get(request=request, segment__slug="atlanta").is_stopping
    assert actions.renew(claim=running, progress=QUIET) is Continue.CANCEL
    with pytest.raises(Conflict, match="nothing to cancel"):
        actions.cancel_runs(actor=owner, request=request, segments=["boston"])


def test_what_came_of_segments_taken_out_stands_in_the_audit(submit: Submit, owner: User) -> None:
    request = submit()
    actions.cancel_runs(actor=owner, request=request, segments=["boston"], reason="No flights.")
    event = AuditEvent.objects.get(action="retraining.runs_cancelled")
    assert (event.after, event.note) == ({"segments": ["boston"]}, "No flights.")


@pytest.mark.parametrize("verb", ["hold", "resume", "cancel"])
def test_a_stranger_and_a_colleague_steer_nothing(submit: Submit, verb: str, stranger: User, colleague: User) -> None:
    request = submit()
    verbs: dict[str, Any] = {
        "hold": lambda actor: actions.hold_request(actor=actor, request=request, reason="No."),
        "resume": lambda actor: actions.resume_request(actor=actor, request=request),
        "cancel": lambda actor: actions.cancel_runs(actor=actor, request=request, segments=["atlanta"]),
    }
    for person in (stranger, colleague):
        with pytest.raises(Denied):
            verbs[verb](person)


def test_leads_and_operators_steer_what_others_sent(submit: Submit, approver: User, operator: User) -> None:
    request = submit()
    actions.hold_request(actor=operator, request=request, reason="A drill.")
    actions.resume_request(actor=approver, request=request)
    request.refresh_from_db()
    assert not request.is_held


@pytest.fixture
def overlap(pipeline: Pipeline) -> Any:
    def choose(policy: str) -> None:
        Pipeline.objects.update(overlap=policy)
        pipeline.refresh_from_db()

    return choose


def test_a_segment_that_is_being_retrained_waits_for_the_earlier_run(submit: Submit, tmp_path: Path) -> None:
    first, second = submit("atlanta", "boston"), submit("atlanta", "chicago")
    claim = claim_of(first, "atlanta")
    actions.drive(request_id=second.pk)
    assert statuses(second) == {"atlanta": "waiting", "chicago": "sent"}
    actions.finish(claim=claim, outcome=success(tmp_path))
    actions.drive(request_id=second.pk)
    assert statuses(second)["atlanta"] == "sent"


def test_forbidden_overlap_is_refused_by_name_and_leaves_nothing(submit: Submit, overlap: Any) -> None:
    overlap("forbid")
    submit("atlanta")
    with pytest.raises(Conflict, match="Atlanta are being retrained already"):
        submit()
    assert RetrainingRequest.objects.count() == 1
    assert submit("boston", "chicago")


def test_a_request_that_replaces_takes_the_segment_out_of_the_earlier_one(
    submit: Submit, overlap: Any, tmp_path: Path
) -> None:
    overlap("replace")
    first = submit("atlanta", "boston")
    running = claim_of(first, "atlanta")
    submit("atlanta")
    assert actions.renew(claim=running, progress=QUIET) is Continue.CANCEL
    assert AuditEvent.objects.get(action="retraining.runs_cancelled").note.startswith("Replaced by request #")
    assert statuses(first)["boston"] == "sent"


def test_who_may_not_cancel_the_earlier_request_may_not_replace_it(
    submit: Submit, overlap: Any, pipeline: Pipeline, family: ModelFamily, colleague: User
) -> None:
    overlap("replace")
    submit("atlanta")
    with pytest.raises(Denied):
        actions.submit_request(actor=colleague, pipeline=pipeline, family=family, parameters={}, segments=["atlanta"])
    assert RetrainingRequest.objects.count() == 1


def test_a_team_uses_no_more_of_the_workers_than_its_quota(submit: Submit, operator: User, team: Team) -> None:
    actions.set_team_quota(actor=operator, team=team, max_concurrent=1)
    request = submit()
    actions.drive(request_id=request.pk)
    assert sorted(statuses(request).values()) == ["sent", "waiting", "waiting"]
    actions.set_team_quota(actor=operator, team=team, max_concurrent=None)
    actions.drive(request_id=request.pk)
    assert set(statuses(request).values()) == {"sent"}
    assert not TeamQuota.objects.exists()


def test_only_operators_set_quotas_and_only_real_ones(owner: User, operator: User, team: Team) -> None:
    with pytest.raises(Denied):
        actions.set_team_quota(actor=owner, team=team, max_concurrent=5)
    with pytest.raises(Invalid, match="1 to 1,000"):
        actions.set_team_quota(actor=operator, team=team, max_concurrent=0)


def test_a_drained_worker_counts_no_more_until_it_starts_anew(operator: User, owner: User) -> None:
    report = actions.WorkerReport("work@a", 1, "a", ["work"], 2)
    actions.note_worker(report=report, starting=True)
    worker = Worker.objects.get()
    with pytest.raises(Denied):
        actions.drain_worker(actor=owner, worker=worker)
    actions.drain_worker(actor=operator, worker=worker)
    actions.drain_worker(actor=operator, worker=worker)
    actions.note_worker(report=report)
    assert queries.is_draining("work@a")
    assert queries.slots() == 0
    assert AuditEvent.objects.filter(action="retraining.worker_drained").count() == 1
    actions.note_worker(report=report, starting=True)
    assert queries.slots() == 2
