"""Several people press the same button of a request at the same moment: it happens once, and is told once."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Firing, Pipeline, RetrainingRequest, SegmentRun
from tests.retraining.conftest import Submit, claim_of, failure, run_of
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 4
Press = Callable[[], object]


def told(action: str) -> int:
    return AuditEvent.objects.filter(action=f"retraining.{action}").count()


def failed_request(submit: Submit) -> RetrainingRequest:
    request = submit("atlanta")
    actions.finish(claim=claim_of(request), outcome=failure("exit"))
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert not request.is_open
    return request


def test_a_request_is_cancelled_once(submit: Submit, owner: User) -> None:
    request = submit("atlanta", "boston")
    together(*[lambda: actions.cancel_request(actor=owner, request=request)] * PEOPLE)
    assert told("request_cancelled") == 1
    actions.drive(request_id=request.pk)
    assert set(request.runs.values_list("status", flat=True)) == {"cancelled"}


@pytest.mark.parametrize("verb", ["retry_failed", "retry_run"])
def test_what_failed_is_retried_once(submit: Submit, owner: User, verb: str) -> None:
    request = failed_request(submit)
    run = run_of(request)
    presses: dict[str, Press] = {
        "retry_failed": lambda: actions.retry_failed(actor=owner, request=request),
        "retry_run": lambda: actions.retry_run(actor=owner, run=run),
    }
    refusals = together(*[presses[verb]] * PEOPLE)
    assert refusals.count(None) == 1
    assert told("failed_retried") + told("run_retried") == 1
    assert SegmentRun.objects.get().status == "waiting"
    assert claim_of(request).attempt == 2


def test_retry_and_cancel_at_once_leave_one_of_the_two(submit: Submit, owner: User) -> None:
    request = failed_request(submit)
    together(
        lambda: actions.retry_failed(actor=owner, request=request),
        lambda: actions.cancel_request(actor=owner, request=request),
    )
    for _ in range(2):
        actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert request.status in ("running", "failed", "cancelled")
    assert request.is_open == SegmentRun.objects.open().exists()


def test_a_double_click_sends_one_request(owner: User, pipeline: Pipeline, family: ModelFamily) -> None:
    def press() -> Any:
        return actions.submit_request(actor=owner, pipeline=pipeline, family=family, parameters={}, key="one form")

    assert together(*[press] * PEOPLE) == [None] * PEOPLE
    assert RetrainingRequest.objects.get().runs.count() == 3
    assert told("request_submitted") == 1


def test_a_suggestion_is_taken_or_dismissed_once(
    owner: User, colleague: User, pipeline: Pipeline, family: ModelFamily
) -> None:
    terms = actions.PolicyTerms(name="Monthly", trigger="schedule", cron="0 6 1 * *")
    policy = actions.set_policy(actor=owner, family=family, pipeline=pipeline, terms=terms)
    firing = Firing.objects.create(
        policy=policy, occasion="now", outcome="suggested", reason="It was due.", segments=["atlanta"]
    )
    refusals = together(
        lambda: actions.take_suggestion(actor=owner, firing=firing),
        lambda: actions.take_suggestion(actor=colleague, firing=firing),
        lambda: actions.dismiss_suggestion(actor=colleague, firing=firing),
    )
    assert refusals.count(None) == 1
    firing.refresh_from_db()
    assert RetrainingRequest.objects.count() == (firing.outcome == "taken")
    assert told("suggestion_taken") + told("suggestion_dismissed") == 1
