"""The operators' page: everybody looks, operators act."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from apps.accounts.models import User
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.actions import WorkerReport
from apps.retraining.models import Pipeline, SegmentRun, Worker
from tests.conftest import api, signed_in
from tests.retraining.conftest import Submit, claim_of, failure


@pytest.fixture
def browser(operator: User) -> Client:
    return signed_in(operator)


def words(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def report(name: str, **facts: Any) -> None:
    known: dict[str, Any] = {"pid": 41, "host": "host-a", "queues": ["work"], "slots": 2} | facts
    actions.note_worker(report=WorkerReport(name=name, **known))


def test_an_empty_portal_says_that_no_worker_is_alive_and_what_to_do(browser: Client) -> None:
    page = words(browser.get("/operations/"))
    assert "No worker that trains is alive" in page
    assert "make serve" in page
    assert "No worker has reported" in page
    assert "Nothing runs" in page
    assert "Nothing has failed" in page


def test_workers_are_told_with_their_state_and_isolation(browser: Client) -> None:
    report("work@a")
    report("work@b", isolation="The portal does not run as root.")
    report("work@c")
    report("work@d")
    Worker.objects.filter(name="work@c").update(seen_at=Now() - timedelta(minutes=5))
    actions.note_worker_stopped(name="work@d")
    page = words(browser.get("/operations/"))
    rows = {name: page[page.index(f"work@{name} host-a") :][:140] for name in "abcd"}
    assert "Alive" in rows["a"]
    assert " On" in rows["a"]
    assert "Off The portal does not run as root." in rows["b"]
    assert "Away" in rows["c"]
    assert "Stopped" in rows["d"]
    assert "Workers alive 2 4 runs at a time" in page


def test_prometheus_reads_the_same_numbers_idle_and_with_runs(operator: User, submit: Submit) -> None:
    def scraped() -> dict[str, str]:
        answer = api(operator).get("/api/v1/metrics/")
        assert answer["Content-Type"].startswith("text/plain; version=")
        lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
        return dict(line.rsplit(" ", 1) for line in lines)

    assert scraped()['portal_segment_runs_open{status="running"}'] == "0.0"
    report('work@"a"')
    actions.finish(claim=claim_of(submit("atlanta")), outcome=failure("exit"))
    claim_of(submit("boston"), "boston")
    found = scraped()
    assert found['portal_segment_runs_open{status="running"}'] == "1.0"
    assert found['portal_segment_runs_ended{cause="exit",status="failed"}'] == "1.0"
    assert found['portal_requests{status="running"}'] == "2.0"
    assert found['portal_worker_up{worker="work@\\"a\\""}'] == "1.0"
    assert float(found['portal_segment_runs_oldest_seconds{status="running"}']) >= 0


def test_what_failed_for_one_reason_is_retried_with_one_press(
    browser: Client, submit: Submit, owner: User, stranger: User
) -> None:
    requests = [submit("atlanta"), submit("boston")]
    for request, city in zip(requests, ("atlanta", "boston"), strict=True):
        actions.finish(claim=claim_of(request, city), outcome=failure("exit"))
    assert "Retry 2" in words(browser.get("/operations/"))
    assert "Retry 2" not in words(signed_in(owner).get("/operations/"))
    pressed = {"reason": "It broke."}
    refused = words(signed_in(stranger).post("/retraining/retry-recent/", pressed, follow=True))
    assert "Only who sent this request, a lead" in refused
    assert set(SegmentRun.objects.values_list("status", flat=True)) == {"failed"}
    answer = words(browser.post("/retraining/retry-recent/", pressed, follow=True))
    assert f"What failed in request #{requests[1].pk} for this reason is tried again." in answer
    assert set(SegmentRun.objects.values_list("status", flat=True)) == {"waiting"}
    assert "Nothing that failed for this reason is left." in words(
        browser.post("/retraining/retry-recent/", pressed, follow=True)
    )


def test_queues_requests_and_failures_are_told(browser: Client, submit: Submit) -> None:
    first, second = submit(), submit()
    for request in (first, second):
        actions.finish(claim=claim_of(request, "boston"), outcome=failure("exit", "the matrix is singular"))
    page = words(browser.get("/operations/"))
    assert "2 × the matrix is singular" in page
    assert f"in #{second.pk} , #{first.pk}" in page
    assert f"#{first.pk} Toy" in page
    assert "Toy 2 2 0" in page  # the second waits where the first still is


def test_an_old_failure_is_left_out(browser: Client, submit: Submit) -> None:
    actions.finish(claim=claim_of(submit()), outcome=failure("exit", "the matrix is singular"))
    SegmentRun.objects.filter(status="failed").update(finished_at=Now() - timedelta(hours=25))
    assert "Nothing has failed" in words(browser.get("/operations/"))


def test_an_operator_cancels_from_here_and_stays_here(browser: Client, submit: Submit) -> None:
    request = submit()
    assert f"Yes, cancel #{request.pk}" in words(browser.get("/operations/"))
    response = browser.post(f"/retraining/{request.pk}/cancel/", {"back": "operations"})
    assert response["Location"] == "/operations/"
    request.refresh_from_db()
    assert request.is_stopping


def test_others_look_and_see_no_buttons(stranger: User, submit: Submit) -> None:
    request = submit()
    response = signed_in(stranger).get("/operations/")
    assert f"#{request.pk} Toy" in words(response)
    assert b"/cancel/" not in response.content


def test_what_is_for_its_teams_only_is_not_told_here(stranger: User, submit: Submit) -> None:
    request = submit()
    actions.finish(claim=claim_of(request), outcome=failure("exit", "the matrix is singular"))
    ModelFamily.objects.update(visibility="teams")
    page = words(signed_in(stranger).get("/operations/"))
    assert "the matrix is singular" not in page
    assert f"#{request.pk}" not in page
    assert "Toy" not in page


def test_the_page_asks_for_a_constant_number_of_queries(
    browser: Client, submit: Submit, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        report(f"work@{number}")
        actions.finish(claim=claim_of(submit()), outcome=failure("exit", f"reason {number}"))
    with django_assert_max_num_queries(25):
        browser.get("/operations/")


def test_it_is_told_what_each_worker_runs_which_code_and_why_a_request_does_not_go_on(
    browser: Client, submit: Submit, stranger: User, pipeline: Pipeline
) -> None:
    report("work@a", slots=1, release="0.1.0+old")
    report("work@b", slots=1, release="0.1.0+new")
    Worker.objects.filter(name="work@a").update(started_at=Now() - timedelta(days=1))
    Pipeline.objects.update(max_concurrent=2)
    first = submit()
    claim_of(first, "atlanta", worker="work@a")
    second = submit("atlanta")
    page = words(browser.get("/operations/"))
    assert f"code 0.1.0+old Other code Alive work (1 at a time) Atlanta #{first.pk}" in page
    assert "code 0.1.0+new Alive work (1 at a time) nothing now" in page
    assert "1 run waits: Toy has as many on their way as it may." in page
    assert f"1 run waits for request #{first.pk}, which has the same segment." in page
    assert "Drain … work@b It ends what it works on, and takes nothing more." in page
    told = api(stranger).get(f"/api/v1/requests/{second.pk}/").json()
    assert told["waits_because"] == [f"1 run waits for request #{first.pk}, which has the same segment."]
    Worker.objects.update(stopped_at=Now())
    assert "No worker that trains is alive." in words(browser.get(f"/retraining/{first.pk}/"))
    ModelFamily.objects.update(visibility="teams")
    page = words(signed_in(stranger).get("/operations/"))
    assert "Stopped work (1 at a time) 1 run " in page
