"""Holding, resuming, taking out and retrying in the browser, and what operators do to workers and teams."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Team, User
from apps.retraining import actions
from apps.retraining.models import SegmentRun, TeamQuota, Worker
from tests.conftest import api, signed_in
from tests.retraining.conftest import Submit, claim_of, failure
from tests.retraining.test_web_requests import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


@pytest.fixture
def worker(db: None) -> Worker:
    actions.note_worker(report=actions.WorkerReport("work@a", 1, "a", ["work"], 2), starting=True)
    return Worker.objects.get()


def test_a_held_request_says_why_and_can_be_resumed(browser: Client, submit: Submit) -> None:
    request = submit()
    browser.post(f"/retraining/{request.pk}/hold/", {"reason": "The warehouse is down."})
    page = words(browser.get(f"/retraining/{request.pk}/"))
    assert "Held: nothing more is sent The warehouse is down. (Owner)" in page
    assert "Goes on" not in page
    browser.post(f"/retraining/{request.pk}/resume/")
    request.refresh_from_db()
    assert not request.is_held


def test_a_hold_without_a_reason_is_refused_with_a_sentence(browser: Client, submit: Submit) -> None:
    request = submit()
    answer = browser.post(f"/retraining/{request.pk}/hold/", {"reason": ""}, follow=True)
    assert "Say why" in words(answer)
    request.refresh_from_db()
    assert not request.is_held


def test_chosen_segments_are_taken_out_on_the_page(browser: Client, submit: Submit) -> None:
    request = submit()
    address = f"/retraining/{request.pk}/cancel-segments/"
    page = browser.post(address, {"segment": ["atlanta", "boston"]}, follow=True)
    assert "2 segments of request" in words(page)
    stopping = SegmentRun.objects.filter(cancel_requested_at__isnull=False)
    assert set(stopping.values_list("segment__slug", flat=True)) == {"atlanta", "boston"}
    assert "nothing to cancel" in words(browser.post(address, follow=True))


def test_those_that_failed_for_one_reason_are_retried_by_one_button(browser: Client, submit: Submit) -> None:
    request = submit("atlanta", "boston")
    for segment, reason in (("atlanta", "no memory"), ("boston", "no column")):
        actions.finish(claim=claim_of(request, segment), outcome=failure("exit", reason))
    actions.drive(request_id=request.pk)
    assert "Retry these 1" in words(browser.get(f"/retraining/{request.pk}/"))
    browser.post(f"/retraining/{request.pk}/retry-failed/", {"reason": "no column"})
    assert dict(request.runs.values_list("segment__slug", "status")) == {"atlanta": "failed", "boston": "waiting"}


def test_an_operator_drains_a_worker_and_puts_it_back(operator: User, owner: User, worker: Worker) -> None:
    page = signed_in(operator)
    page.post("/retraining/workers/work@a/drain/")
    assert "Draining" in words(page.get("/operations/"))
    page.post("/retraining/workers/work@a/undrain/")
    worker.refresh_from_db()
    assert worker.draining_since is None
    assert signed_in(owner).post("/retraining/workers/work@a/drain/").status_code == 403
    assert page.post("/retraining/workers/nobody/drain/").status_code == 404


@pytest.mark.parametrize(("number", "status"), [("3", 302), ("", 302), ("many", 400), ("0", 400), ("9" * 30, 400)])
def test_an_operator_limits_a_team(operator: User, team: Team, number: str, status: int) -> None:
    answer = signed_in(operator).post("/retraining/quotas/", {"team": team.slug, "max_concurrent": number})
    assert answer.status_code == status
    assert TeamQuota.objects.exists() == (number == "3")


def post(actor: User, path: str, body: object = None, **chosen: Any) -> Any:
    return api(actor, **chosen).post(f"/api/v1/{path}", body, format="json")


def test_the_api_holds_resumes_and_takes_out(owner: User, submit: Submit) -> None:
    request = submit()
    held = post(owner, f"requests/{request.pk}/hold/", {"reason": "The warehouse is down."}).json()
    assert (held["held"], held["held_because"]) == (True, "The warehouse is down. (Owner)")
    assert post(owner, f"requests/{request.pk}/hold/", {"reason": "Again."}).status_code == 409
    assert post(owner, f"requests/{request.pk}/resume/").json()["held"] is False
    assert post(owner, f"requests/{request.pk}/cancel-segments/", {"segments": ["boston"]}).status_code == 200
    assert post(owner, f"requests/{request.pk}/cancel-segments/", {"segments": []}).status_code == 400
    assert post(owner, f"requests/{request.pk}/retry-failed/", {"reason": "none"}).status_code == 409


def test_a_token_that_only_reads_steers_nothing(owner: User, submit: Submit) -> None:
    request = submit()
    for verb in ("hold", "resume", "cancel-segments", "retry-failed"):
        body = {"reason": "No.", "segments": ["boston"]}
        assert post(owner, f"requests/{request.pk}/{verb}/", body, scope=["read"]).status_code == 403


def test_the_api_drains_workers_and_limits_teams(operator: User, owner: User, worker: Worker, team: Team) -> None:
    assert post(operator, "workers/work@a/drain/").json()["draining_since"]
    assert post(operator, "workers/work@a/undrain/").json()["draining_since"] is None
    assert post(owner, "workers/work@a/drain/").status_code == 403
    quota = f"/api/v1/team-quotas/{team.slug}/"
    assert api(operator).put(quota, {"max_concurrent": 4}, format="json").json()["max_concurrent"] == 4
    assert api(owner).get("/api/v1/team-quotas/").json()["count"] == 1
    assert api(owner).delete(quota).status_code == 403
    assert api(operator).delete(quota).status_code == 204
    assert not TeamQuota.objects.exists()
