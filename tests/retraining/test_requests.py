"""What people ask for: submitting, cancelling, retrying."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.audit.queries import timeline
from apps.core.errors import Conflict, Denied, Invalid
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Pipeline, RetrainingRequest, SegmentRun
from tests.retraining.conftest import CITIES, Submit, claim_of, failure, lose_lease, run_of, success

pytestmark = pytest.mark.django_db


def submit_as(actor: User, pipeline: Pipeline, family: ModelFamily, **changes: Any) -> RetrainingRequest:
    return actions.submit_request(actor=actor, pipeline=pipeline, family=family, **({"parameters": {}} | changes))


def test_a_request_freezes_its_plan_and_a_waiting_run_per_segment(submit: Submit) -> None:
    request = submit(alpha=2.5, reason="July is here")
    assert sorted(request.runs.values_list("segment__slug", "status")) == [(city, "waiting") for city in CITIES]
    assert request.parameters == {"mode": "succeed", "alpha": 2.5, "as_of": "2013-07-01", "window_months": 3}
    assert request.plan["script_sha256"]
    assert request.digest
    assert [event.sentence for event in timeline(request)] == [f"requested {request}"]


def test_the_plan_stays_as_it_was_when_the_pipeline_changes(
    submit: Submit, admin: User, family: ModelFamily, pipeline: Pipeline
) -> None:
    from dataclasses import replace

    from tests.retraining.conftest import DEFINITION

    request = submit()
    actions.define_pipeline(
        actor=admin, slug="toy", team=pipeline.team, families=[family], definition=replace(DEFINITION, seconds=5)
    )
    request.refresh_from_db()
    assert (request.plan["version"], request.plan["seconds"]) == (1, 600)


def test_only_the_chosen_segments_are_retrained_each_once(submit: Submit) -> None:
    assert submit("boston", "boston", "atlanta").segments_total == 2


def test_segments_are_taken_in_one_statement_however_many(
    submit: Submit, family: ModelFamily, django_assert_max_num_queries: Any
) -> None:
    segments = family.dimension.segments
    segments.bulk_create([segments.model(dimension=family.dimension, slug=f"c{n}", name=f"C{n}") for n in range(1_000)])
    with django_assert_max_num_queries(12):
        assert submit().segments_total == 1_003


def test_unknown_segments_are_named_and_nothing_is_created(submit: Submit) -> None:
    with pytest.raises(Invalid, match="'atlantis', 'el-dorado'") as caught:
        submit("atlanta", "atlantis", "el-dorado")
    assert caught.value.field == "segments"
    assert not RetrainingRequest.objects.exists()


def test_no_segment_at_all_is_refused(owner: User, pipeline: Pipeline, family: ModelFamily) -> None:
    with pytest.raises(Invalid, match="at least one"):
        submit_as(owner, pipeline, family, segments=[])


def test_wrong_parameters_are_told_by_field(submit: Submit) -> None:
    with pytest.raises(Invalid) as caught:
        submit(alpha=-1, beta=2)
    assert set(caught.value.errors) == {"parameters.alpha", "parameters.beta"}


def test_a_member_of_the_familys_team_may_submit(colleague: User, pipeline: Pipeline, family: ModelFamily) -> None:
    assert submit_as(colleague, pipeline, family).requester == colleague


@pytest.mark.parametrize("who", ["stranger", "operator", "admin"])
def test_nobody_else_may_submit(
    who: str, request: pytest.FixtureRequest, pipeline: Pipeline, family: ModelFamily
) -> None:
    with pytest.raises(Denied, match="members of the team that owns"):
        submit_as(request.getfixturevalue(who), pipeline, family)


def test_a_pipeline_that_does_not_train_the_family_is_refused(
    owner: User, pipeline: Pipeline, family: ModelFamily
) -> None:
    pipeline.families.clear()
    with pytest.raises(Invalid, match="does not train"):
        submit_as(owner, pipeline, family)


def test_a_pipeline_that_is_switched_off_takes_nothing(owner: User, pipeline: Pipeline, family: ModelFamily) -> None:
    pipeline.is_active = False
    with pytest.raises(Conflict, match="switched off"):
        submit_as(owner, pipeline, family)


def test_the_same_key_sends_once(submit: Submit) -> None:
    assert submit("atlanta", key="k", alpha=2.0) == submit("atlanta", key="k", alpha=2.0)
    assert RetrainingRequest.objects.count() == 1


def test_the_same_key_for_something_else_is_refused(submit: Submit) -> None:
    submit("atlanta", key="k")
    with pytest.raises(Conflict, match="something else"):
        submit("boston", key="k")


def test_two_people_may_use_the_same_key(
    submit: Submit, colleague: User, pipeline: Pipeline, family: ModelFamily
) -> None:
    assert submit(key="k") != submit_as(colleague, pipeline, family, key="k")


@pytest.mark.django_db(transaction=True)
def test_a_double_click_in_two_connections_sends_once(submit: Submit) -> None:
    def click(_: int) -> int:
        try:
            return submit("atlanta", "boston", key="double").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as clicks:
        assert len(set(clicks.map(click, range(8)))) == 1
    assert (RetrainingRequest.objects.count(), SegmentRun.objects.count()) == (1, 2)


def test_a_cancelled_request_ends_what_has_not_begun(submit: Submit, owner: User) -> None:
    request = submit()
    actions.cancel_request(actor=owner, request=request, reason="wrong month")
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert request.status == "cancelled"
    assert set(request.runs.values_list("status", flat=True)) == {"cancelled"}
    assert timeline(request)[0].note == "wrong month"


def test_cancelling_twice_is_cancelling_once(submit: Submit, owner: User) -> None:
    request = submit()
    actions.cancel_request(actor=owner, request=request)
    actions.cancel_request(actor=owner, request=request)
    assert timeline(request).filter(action="retraining.request_cancelled").count() == 1


def test_what_is_over_can_not_be_cancelled(submit: Submit, owner: User) -> None:
    request = submit()
    actions.cancel_request(actor=owner, request=request)
    actions.drive(request_id=request.pk)
    with pytest.raises(Conflict, match="already over"):
        actions.cancel_request(actor=owner, request=request)


@pytest.mark.parametrize("who", ["approver", "operator"])
def test_leads_and_operators_may_cancel(who: str, submit: Submit, request: pytest.FixtureRequest) -> None:
    assert actions.cancel_request(actor=request.getfixturevalue(who), request=submit()).is_stopping


@pytest.mark.parametrize("who", ["colleague", "stranger", "admin"])
def test_others_may_neither_cancel_nor_retry(who: str, submit: Submit, request: pytest.FixtureRequest) -> None:
    actor, sent = request.getfixturevalue(who), submit()
    with pytest.raises(Denied):
        actions.cancel_request(actor=actor, request=sent)
    with pytest.raises(Denied):
        actions.retry_failed(actor=actor, request=sent)
    with pytest.raises(Denied):
        actions.retry_run(actor=actor, run=run_of(sent))


def test_only_what_failed_is_retried_and_with_all_its_tries(submit: Submit, owner: User, tmp_path: Any) -> None:
    request = submit("atlanta", "boston")
    actions.finish(claim=claim_of(request, "atlanta"), outcome=failure("exit"))
    actions.finish(claim=claim_of(request, "boston"), outcome=success(tmp_path))
    actions.drive(request_id=request.pk)
    again = actions.retry_failed(actor=owner, request=request)
    atlanta, boston = run_of(request, "atlanta"), run_of(request, "boston")
    assert (again.status, atlanta.status, boston.status) == ("running", "waiting", "succeeded")
    assert (atlanta.attempt, atlanta.tries, atlanta.reason) == (1, 0, "")
    assert atlanta.attempts.get().reason == "It broke."


def test_there_is_nothing_to_retry_where_nothing_failed(submit: Submit, owner: User) -> None:
    with pytest.raises(Conflict, match="Nothing has failed"):
        actions.retry_failed(actor=owner, request=submit())


def test_a_cancelled_run_can_be_asked_for_again(submit: Submit, owner: User) -> None:
    request = submit()
    actions.cancel_request(actor=owner, request=request)
    actions.drive(request_id=request.pk)
    actions.retry_run(actor=owner, run=run_of(request))
    request.refresh_from_db()
    assert (request.status, request.is_stopping, run_of(request).status) == ("running", False, "waiting")


def test_a_run_that_succeeded_is_not_run_again(submit: Submit, owner: User, tmp_path: Any) -> None:
    request = submit("atlanta")
    actions.finish(claim=claim_of(request), outcome=success(tmp_path))
    with pytest.raises(Conflict, match="succeeded"):
        actions.retry_run(actor=owner, run=run_of(request))
    assert run_of(request).status == "succeeded"


def test_while_it_is_stopping_nothing_is_retried(submit: Submit, owner: User) -> None:
    request = submit("atlanta", "boston")
    actions.finish(claim=claim_of(request, "boston"), outcome=failure("exit"))
    claim_of(request, "atlanta")
    actions.cancel_request(actor=owner, request=request)
    with pytest.raises(Conflict, match="stopping"):
        actions.retry_run(actor=owner, run=run_of(request, "boston"))
    lose_lease()
    actions.drive(request_id=request.pk)
    actions.retry_run(actor=owner, run=run_of(request, "boston"))
    assert run_of(request, "boston").status == "waiting"
