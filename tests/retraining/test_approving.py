"""Requests that somebody else must approve first: asked for, answered, withdrawn, expired; to exactly one plan."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.accounts.models import Team, User
from apps.approvals.models import Approval
from apps.audit.queries import timeline
from apps.core.errors import Conflict, Denied, Invalid, PortalError
from apps.dashboard.queries import my_work
from apps.notifications.notices import audience_of, message_of
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Pipeline, RetrainingRequest, SegmentRun
from apps.retraining.queries import audiences, last_retrained, queue_depths
from tests.conftest import api, signed_in
from tests.factories import UserFactory, put_into
from tests.retraining.conftest import Submit, claim_of, run_of
from tests.threads import together

pytestmark = pytest.mark.django_db
Status = RetrainingRequest.Status


@pytest.fixture
def asks(pipeline: Pipeline) -> Pipeline:
    """It asks for approval above one segment."""
    Pipeline.objects.update(approval_above=1)
    pipeline.refresh_from_db()
    return pipeline


@pytest.fixture
def waiting(asks: Pipeline, submit: Submit) -> RetrainingRequest:
    return submit("atlanta", "boston", alpha=3, reason="July is here.", key="july")


def approve(actor: User, request: RetrainingRequest, **changes: Any) -> RetrainingRequest:
    return actions.approve_request(actor=actor, request=request, **{"digest": request.digest} | changes)


def reject(actor: User, request: RetrainingRequest, reason: str = "Too much at once.") -> RetrainingRequest:
    return actions.reject_request(actor=actor, request=request, digest=request.digest, reason=reason)


def withdraw(actor: User, request: RetrainingRequest) -> RetrainingRequest:
    return actions.withdraw_request(actor=actor, request=request, reason="A mistake.")


def words(request: RetrainingRequest) -> list[str]:
    return [event.action for event in timeline(request)]


def test_a_small_request_waits_for_nobody(asks: Pipeline, submit: Submit) -> None:
    request = submit("atlanta")
    assert (request.status, request.approval, request.runs.count()) == (Status.SUBMITTED, None, 1)


def test_a_large_one_waits_and_the_engine_leaves_it_alone(
    waiting: RetrainingRequest, rings: list[tuple[Any, ...]], submit: Submit, family: ModelFamily
) -> None:
    assert (waiting.status, waiting.runs.count()) == (Status.WAITING_FOR_APPROVAL, 0)
    actions.coordinate()
    actions.drive(request_id=waiting.pk)
    actions.follow_up(request_id=waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.followed_up_at, rings) == (Status.WAITING_FOR_APPROVAL, None, [])
    assert sum(queue.count for queue in queue_depths()) == 0
    assert submit("atlanta", "boston", alpha=3, key="july") == waiting  # the key sends once
    assert set(last_retrained(family, waiting.pipeline)) == {"atlanta", "boston"}  # no policy asks again


def test_a_yes_sends_exactly_what_was_asked_for(
    waiting: RetrainingRequest,
    approver: User,
    rings: list[tuple[Any, ...]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    assert audiences.asked_about(waiting.pk) == [approver]
    assert list(audiences.waiting_for(approver)) == [waiting]
    with django_capture_on_commit_callbacks(execute=True):
        sent = approve(approver, waiting, note="Go.")
    assert (sent.status, sent.runs.count(), rings) == (Status.SUBMITTED, 2, [("retraining.drive", waiting.pk)])
    assert claim_of(sent).plan == waiting.plan
    assert words(sent)[:2] == ["retraining.request_approved", "retraining.request_put_up"]
    assert (list(audiences.waiting_for(approver)), audiences.asked_about(waiting.pk)) == ([], [])


def test_a_no_needs_a_reason_closes_it_and_tells_why(waiting: RetrainingRequest, approver: User) -> None:
    with pytest.raises(Invalid, match="Say why not"):
        reject(approver, waiting, reason=" ")
    closed = reject(approver, waiting)
    assert (closed.status, closed.closed_because, closed.runs.count()) == (Status.REJECTED, "Too much at once.", 0)
    assert closed.finished_at
    assert not RetrainingRequest.objects.open().exists()
    assert words(closed)[0] == "retraining.request_rejected"
    for verb in (approve, reject, withdraw):
        with pytest.raises((Conflict, Denied)):
            verb(approver, closed)
    for steer in (actions.cancel_request, actions.retry_failed, actions.resume_request):
        with pytest.raises(Conflict):
            steer(actor=approver, request=closed)


def test_it_is_withdrawn_rather_than_cancelled(waiting: RetrainingRequest, owner: User) -> None:
    with pytest.raises(Conflict, match="withdraw it instead"):
        actions.cancel_request(actor=owner, request=waiting)
    closed = withdraw(owner, waiting)
    assert (closed.status, closed.closed_because) == (Status.WITHDRAWN, "A mistake.")
    assert closed.approval is not None
    assert Approval.objects.get(pk=closed.approval.pk).status == "withdrawn"


def test_nobodys_answer_within_a_week_lets_it_expire(waiting: RetrainingRequest, approver: User) -> None:
    assert actions.expire_requests() == 0
    early = Now() - timedelta(days=8)
    Approval.objects.update(opened_at=early, expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(Conflict, match="time to answer"):
        approve(approver, waiting)
    actions.coordinate()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.closed_because) == (Status.EXPIRED, "Nobody answered within 7 days.")
    assert actions.expire_requests() == 0


VERBS: dict[str, Callable[[User, RetrainingRequest], RetrainingRequest]] = {
    "approve": approve,
    "reject": reject,
    "withdraw": withdraw,
}
MAY = {"approve": {"approver", "named"}, "reject": {"approver", "named"}, "withdraw": {"owner", "approver"}}


@pytest.mark.parametrize("verb", sorted(VERBS))
@pytest.mark.parametrize("who", ["owner", "colleague", "approver", "named", "operator", "admin", "stranger"])
def test_who_may_do_what(
    verb: str, who: str, asks: Pipeline, submit: Submit, family: ModelFamily, request: pytest.FixtureRequest
) -> None:
    named = UserFactory.create(username="named")
    family.approvers.add(named)
    waiting = submit("atlanta", "boston")
    person = named if who == "named" else request.getfixturevalue(who)
    if who in MAY[verb]:
        VERBS[verb](person, waiting)
        return
    with pytest.raises(Denied):
        VERBS[verb](person, waiting)
    waiting.refresh_from_db()
    assert waiting.status == Status.WAITING_FOR_APPROVAL


@pytest.mark.django_db(transaction=True)
def test_of_answers_at_the_same_moment_one_counts(
    asks: Pipeline, submit: Submit, family: ModelFamily, approver: User, owner: User
) -> None:
    named = UserFactory.create(username="named")
    family.approvers.add(named)
    for number in range(3):
        waiting = submit("atlanta", "boston", alpha=number)
        refused = together(
            partial(approve, approver, waiting),
            partial(approve, named, waiting),
            partial(reject, named, waiting),
            partial(withdraw, owner, waiting),
        )
        assert sum(one is None for one in refused) == 1, refused
        waiting.refresh_from_db()
        assert waiting.status in (Status.SUBMITTED, Status.REJECTED, Status.WITHDRAWN)
        assert waiting.runs.count() == (2 if waiting.status == Status.SUBMITTED else 0)
        assert len(words(waiting)) == 2  # asked for, and the one answer


def test_a_lead_who_asks_does_not_answer_themselves(
    asks: Pipeline, family: ModelFamily, approver: User, team: Team
) -> None:
    def send() -> RetrainingRequest:
        return actions.submit_request(actor=approver, pipeline=asks, family=family, parameters={})

    with pytest.raises(Conflict, match="its authors may not"):
        send()
    assert not RetrainingRequest.objects.exists()
    second = put_into(team, UserFactory.create(username="second"), "lead")
    waiting = send()
    with pytest.raises(Denied):
        approve(approver, waiting)
    assert audiences.would_be_asked(pipeline=asks, family=family, requester=approver, segments=2) == [second]
    assert approve(second, waiting).status == Status.SUBMITTED


def test_a_yes_counts_for_the_plan_that_was_seen_and_for_no_other(
    waiting: RetrainingRequest, approver: User, pipelines_folder: Path
) -> None:
    with pytest.raises(Conflict, match="has changed since you looked"):
        approve(approver, waiting, digest="0" * 64)
    (pipelines_folder / "toy.py").write_text("print('something else')\n")
    with pytest.raises(Conflict, match=r"script toy\.py has changed"):
        approve(approver, waiting)
    waiting.refresh_from_db()
    assert (waiting.status, SegmentRun.objects.count()) == (Status.WAITING_FOR_APPROVAL, 0)
    assert audiences.may_answer(approver, waiting)  # the refused yes was no answer


def test_what_changed_meanwhile_is_looked_at_again(
    waiting: RetrainingRequest, approver: User, owner: User, team: Team
) -> None:
    Pipeline.objects.update(is_active=False)
    with pytest.raises(Conflict, match="switched off"):
        approve(approver, waiting)
    Pipeline.objects.update(is_active=True)
    owner.memberships.all().delete()
    with pytest.raises(Conflict, match="may not retrain"):
        approve(approver, waiting)
    put_into(team, owner)
    Pipeline.objects.update(seconds=5)  # a newer definition is the next request's
    assert approve(approver, waiting).plan["seconds"] == 600


def test_an_overlap_is_refused_when_it_is_asked_for_and_when_it_is_approved(
    asks: Pipeline, submit: Submit, approver: User
) -> None:
    Pipeline.objects.update(overlap="forbid")
    asks.refresh_from_db()
    waiting = submit("atlanta", "boston")
    busy = submit("atlanta")
    with pytest.raises(Conflict, match="being retrained already"):
        submit("atlanta", "boston")
    with pytest.raises(Conflict, match="being retrained already"):
        approve(approver, waiting)
    actions.cancel_request(actor=approver, request=busy)
    assert approve(approver, waiting).status == Status.SUBMITTED


def test_earlier_runs_make_way_only_once_it_is_approved(asks: Pipeline, submit: Submit, approver: User) -> None:
    Pipeline.objects.update(overlap="replace")
    asks.refresh_from_db()
    earlier = submit("atlanta")
    waiting = submit("atlanta", "boston")
    assert run_of(earlier).cancel_requested_at is None
    approve(approver, waiting)
    assert run_of(earlier).cancel_requested_at is not None


def test_only_the_teams_that_a_pipeline_names_may_request_it(
    pipeline: Pipeline, submit: Submit, owner: User, other_team: Team, family: ModelFamily
) -> None:
    Pipeline.objects.update(requesters=[other_team.slug])
    pipeline.refresh_from_db()
    with pytest.raises(Denied, match="says which teams may request it"):
        submit("atlanta")
    page = signed_in(owner).get("/retraining/new/toy/?family=eta-trip").content.decode()
    assert f"Only members of {other_team.slug} can request Toy" in page
    assert 'name="send"' not in page
    put_into(other_team, owner)
    owner = User.objects.get(pk=owner.pk)
    sent = actions.submit_request(actor=owner, pipeline=pipeline, family=family, parameters={}, segments=["atlanta"])
    assert sent.status == Status.SUBMITTED


def test_the_api_says_who_is_asked_and_takes_their_answer(
    waiting: RetrainingRequest, approver: User, owner: User, stranger: User
) -> None:
    address = f"/api/v1/requests/{waiting.pk}/"
    told = api(approver).get(address).json()
    assert (told["status"], told["approval"]["asked"], told["digest"]) == (
        "waiting_for_approval",
        ["approver"],
        waiting.digest,
    )
    assert told["plan"]["parameters"]["alpha"] == 3
    assert [row["id"] for row in api(approver).get("/api/v1/requests/waiting/").json()["results"]] == [waiting.pk]
    assert api(owner).get("/api/v1/requests/waiting/").json()["results"] == []
    preview = api(owner).post("/api/v1/pipelines/toy/preview/", {"family": "eta-trip"}, format="json").json()
    assert preview["approvers"] == ["approver"]
    body = {"digest": waiting.digest}
    for who in (owner, stranger):
        assert api(who).post(f"{address}approve/", body, format="json").status_code == 403
    readonly = api(approver, scope=["read", "retraining:submit"])
    assert readonly.post(f"{address}approve/", body, format="json").status_code == 403
    assert api(approver).post(f"{address}approve/", {"digest": "0" * 64}, format="json").status_code == 409
    assert api(approver).post(f"{address}reject/", body, format="json").status_code == 400
    done = api(approver).post(f"{address}approve/", body | {"note": "Go."}, format="json").json()
    assert (done["status"], done["approval"]["answers"][0]["verdict"], done["approval"]["asked"]) == (
        "submitted",
        "yes",
        [],
    )
    assert api(owner).post(f"{address}withdraw/", {}, format="json").status_code == 409


def test_the_approver_finds_it_at_home_and_decides_on_its_page(
    waiting: RetrainingRequest, approver: User, owner: User
) -> None:
    task = my_work(actor=approver).waiting[0]
    assert (task.title, task.url) == ("Trip ETA: retrain 2 segments with Toy?", f"/retraining/{waiting.pk}/")
    assert not my_work(actor=owner).waiting
    theirs = signed_in(owner).get(task.url).content.decode()
    assert "Waits for an approval" in theirs
    assert "Withdraw it" in theirs
    assert "Approve and start" not in theirs
    page = signed_in(approver).get(task.url).content.decode()
    for said in ("This waits for your answer", "What would be trained", "atlanta, boston", waiting.digest, "Alpha"):
        assert said in page
    answer = signed_in(approver).post(f"{task.url}reject/", {"digest": waiting.digest}, follow=True).content.decode()
    assert "Say why not" in answer
    no = {"digest": waiting.digest, "reason": "Wait for August."}
    answer = signed_in(approver).post(f"{task.url}reject/", no, follow=True).content.decode()
    assert "Rejected: nothing was trained" in answer
    assert "Wait for August." in answer


def test_who_is_asked_is_told_and_so_is_who_asked(waiting: RetrainingRequest, approver: User, owner: User) -> None:
    asked = timeline(waiting)[0]
    message = message_of(asked)
    assert message is not None
    assert (audience_of(asked), message.subject) == ([approver], f"Owner asks for your approval: {waiting}")
    assert message.link.endswith(f"/retraining/{waiting.pk}/")
    reject(approver, waiting)
    answered = timeline(waiting)[0]
    told = message_of(answered)
    assert told is not None
    assert (audience_of(answered), told.details) == ([owner], ("Too much at once.",))
    assert audience_of(asked) == []  # late mail asks nobody for what is decided


def test_the_form_says_before_sending_who_must_approve(asks: Pipeline, owner: User, family: ModelFamily) -> None:
    page = signed_in(owner).get("/retraining/new/toy/?family=eta-trip").content.decode()
    assert "waits for a yes of" in page
    assert "Ask for approval of 3 runs" in page
    small = signed_in(owner).get("/retraining/new/toy/?family=eta-trip&segments=atlanta").content.decode()
    assert "waits for a yes of" not in small
    with pytest.raises(PortalError):
        actions.submit_request(actor=owner, pipeline=asks, family=family, parameters={"alpha": -1})
