"""Requests and segment runs in the browser: what is seen live, and what can be done to them."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.platforms.base import End, Outcome, Progress
from apps.registry.actions import SegmentSpec, add_segments
from apps.registry.models import Evaluation, ModelFamily
from apps.retraining import actions, queries
from apps.retraining.models import LOG_CHARACTERS, Pipeline, RetrainingRequest, SegmentRun
from apps.retraining.web.requests import FOLDED
from apps.retraining.web.runs import LogPiece, unseen_log
from tests.conftest import signed_in
from tests.retraining.conftest import Submit, claim_of, failure, lose_lease, run_of, success

HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


@pytest.fixture
def mixed(submit: Submit, tmp_path: Path) -> RetrainingRequest:
    """Atlanta succeeded, Boston failed, Chicago found no data; all over."""
    request = submit(reason="July is here")
    actions.finish(claim=claim_of(request, "atlanta"), outcome=success(tmp_path))
    actions.finish(claim=claim_of(request, "boston"), outcome=failure("exit", "the matrix is singular"))
    nothing = Outcome(End.NO_DATA, "no-data", "Only 2 of the 60 rows needed.", 0.1, {}, "")
    actions.finish(claim=claim_of(request, "chicago"), outcome=nothing)
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    return request


def words(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_the_list_shows_how_far_each_request_is(browser: Client, mixed: RetrainingRequest) -> None:
    page = words(browser.get("/retraining/"))
    assert f"#{mixed.pk} Toy" in page
    assert "3 of 3, 1 failed , 1 no data" in page
    assert "Finished with failures" in page


FILTERS = {
    "": True,
    "?status=finished_with_failures": True,
    "?status=running": False,
    "?status=nonsense": True,
    "?mine=1": True,
    "?q=july": True,
    "?q=trip+eta": True,
    "?q=owner": True,
    "?q=gotham": False,
    "?q=%00": True,
    "?q=999999999999999999999999": False,
    "?page=nonsense": True,
    "?page=99": True,
}


def test_whoever_watches_shares_one_drawing_of_the_segments_for_a_moment(
    browser: Client, submit: Submit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("apps.retraining.web.requests"), "SHARED_SECONDS", 3_600)
    request = submit()
    first, drawn = watched(browser, request), segments_drawn(browser, request)
    actions.finish(claim=claim_of(request, "atlanta"), outcome=success(tmp_path))
    assert "0 of 3 segments ended" in first
    assert "1 of 3 segments ended" in watched(browser, request), "what is counted is always new"
    assert segments_drawn(browser, request) == drawn
    assert "Succeeded" in words(browser.get(f"/retraining/{request.pk}/")), "a page that is opened is drawn anew"


def watched(browser: Client, request: RetrainingRequest) -> str:
    """What an open page asks for every two seconds."""
    return words(browser.get(f"/retraining/{request.pk}/", headers=HTMX))


def segments_drawn(browser: Client, request: RetrainingRequest) -> str:
    content = browser.get(f"/retraining/{request.pk}/", headers=HTMX).content.decode()
    return content[content.index("<tbody>") : content.index("</tbody>")]


def test_the_lists_filters_stand_in_the_address(browser: Client, mixed: RetrainingRequest) -> None:
    answers = {query: browser.get(f"/retraining/{query}") for query in FILTERS}
    assert {response.status_code for response in answers.values()} == {200}
    link = f"/retraining/{mixed.pk}/"
    assert {query: link in response.content.decode() for query, response in answers.items()} == FILTERS


def test_a_request_is_found_by_its_number(browser: Client, mixed: RetrainingRequest) -> None:
    assert f"/retraining/{mixed.pk}/" in browser.get(f"/retraining/?q=%23{mixed.pk}").content.decode()


def test_mine_leaves_out_what_others_asked_for(colleague: User, mixed: RetrainingRequest) -> None:
    assert "No request like that" in words(signed_in(colleague).get("/retraining/?mine=1"))


def test_the_empty_list_offers_to_retrain(browser: Client) -> None:
    assert "Nothing has been retrained yet" in words(browser.get("/retraining/"))


def test_the_list_is_paged(browser: Client, submit: Submit) -> None:
    sent = [submit("boston") for _ in range(27)]
    first, second = (browser.get(f"/retraining/?page={page}").content.decode() for page in (1, 2))
    assert f'id="request-{sent[-1].pk}"' in first
    assert f'id="request-{sent[0].pk}"' not in first
    assert f'id="request-{sent[0].pk}"' in second


def test_a_request_tells_what_happened_to_each_segment_the_worst_first(
    browser: Client, mixed: RetrainingRequest
) -> None:
    page = words(browser.get(f"/retraining/{mixed.pk}/"))
    assert page.index("the matrix is singular") < page.index("Only 2 of the 60 rows needed.") < page.rindex("6.50 min")
    assert "3 of 3 segments ended" in page
    assert "1 × the matrix is singular Boston" in page
    assert "July is here" in page
    assert "Alpha 1.0" in page
    assert "Window months 3" in page


def test_the_matrix_has_every_segment_by_status_the_worst_first(
    browser: Client, submit: Submit, family: ModelFamily, admin: User, django_assert_max_num_queries: Any
) -> None:
    add_segments(actor=admin, family=family, segments=[SegmentSpec(f"city-{n}", f"City {n}") for n in range(30)])
    request = submit()
    actions.finish(claim=claim_of(request, "boston"), outcome=failure("exit"))
    with django_assert_max_num_queries(30):
        page = browser.get(f"/retraining/{request.pk}/").content.decode()
    matrix = page[page.index('<dl class="matrix">') : page.index("</dl>")]
    assert matrix.count('id="cell-') == 33
    told = " ".join(re.sub(r"<[^>]+>", " ", matrix).split())
    assert told.startswith("Failed Boston Sent Atlanta Chicago City 0 City 1")


def test_the_matrix_of_a_thousand_segments_shows_some_of_each_status_and_leads_to_the_others(
    browser: Client, submit: Submit, pipeline: Pipeline, family: ModelFamily, admin: User
) -> None:
    add_segments(actor=admin, family=family, segments=[SegmentSpec(f"city-{n}", f"City {n}") for n in range(997)])
    request = submit()
    actions.drive(request_id=request.pk)
    page = browser.get(f"/retraining/{request.pk}/").content.decode()
    matrix = page[page.index('<dl class="matrix">') : page.index("</dl>")]
    sent = queries.progress(request).sent
    assert matrix.count('id="cell-') == FOLDED + min(sent, FOLDED)
    assert f">and {1_000 - sent - FOLDED} more</a>" in matrix
    link = re.search(r'id="rest-waiting" href="([^"#]+)', matrix)
    assert link is not None
    others = words(browser.get(f"/retraining/{request.pk}/{link[1]}"))
    assert f"1–100 of {1_000 - sent} segment runs" in others


def test_segment_runs_are_filtered_by_status(browser: Client, mixed: RetrainingRequest) -> None:
    links = {f'id="run-{run_of(mixed, city).pk}"': city for city in ("atlanta", "boston", "chicago")}
    for status, shown in {"failed": "boston", "no_data": "chicago", "succeeded": "atlanta"}.items():
        page = browser.get(f"/retraining/{mixed.pk}/?status={status}").content.decode()
        assert {city for link, city in links.items() if link in page} == {shown}


def test_an_open_request_is_asked_for_again_by_itself_until_it_is_over(browser: Client, submit: Submit) -> None:
    request = submit()
    url = f"/retraining/{request.pk}/"
    assert f'hx-get="{url}" hx-trigger="every 2s"' in browser.get(url).content.decode()
    live = browser.get(url, headers=HTMX)
    assert b"<html" not in live.content
    assert b"every 2s" in live.content
    actions.cancel_request(actor=request.requester, request=request)
    actions.drive(request_id=request.pk)
    assert [b"every 2s" in browser.get(url, headers=headers).content for headers in (HTMX, {})] == [False, False]


def test_the_head_of_a_request_lives_with_it(browser: Client, submit: Submit) -> None:
    request = submit()
    first = browser.get(f"/retraining/{request.pk}/", headers=HTMX).content.decode()
    assert (_head(first, "badges"), "Cancel" in _head(first, "actions")) == ("Submitted", True)
    claim_of(request)
    assert _head(browser.get(f"/retraining/{request.pk}/", headers=HTMX).content.decode(), "badges") == "Running"
    actions.cancel_request(actor=request.requester, request=request)
    stopping = browser.get(f"/retraining/{request.pk}/", headers=HTMX).content.decode()
    assert (_head(stopping, "badges"), "Cancel" in _head(stopping, "actions")) == ("Stopping", False)


def test_the_page_lives_until_the_new_versions_are_evaluated(browser: Client, evaluating: RetrainingRequest) -> None:
    url = f"/retraining/{evaluating.pk}/"
    waiting = browser.get(url)
    assert "evaluated 0 of 1" in words(waiting)
    assert b"every 2s" in waiting.content
    Evaluation.objects.update(status="failed", reason="The lake is dry.")
    over = browser.get(url)
    assert "evaluated 0 of 1 on the newest month; 1 could not be: see which ones beat their champion" in words(over)
    assert b"every 2s" not in over.content


def test_a_running_segment_shows_what_its_script_says(browser: Client, submit: Submit) -> None:
    request = submit()
    actions.renew(claim=claim_of(request), progress=Progress(0.4, "fitting fold 2", ""))
    page = browser.get(f"/retraining/{request.pk}/").content.decode()
    assert "fitting fold 2" in page
    assert 'value="0.4"' in page


def test_cancelling_stops_it_and_says_so(browser: Client, submit: Submit) -> None:
    request = submit()
    claim_of(request)
    response = browser.post(f"/retraining/{request.pk}/cancel/", {"reason": "Wrong month"}, follow=True)
    assert "is stopping" in words(response)
    assert "Stopping" in words(response)
    request.refresh_from_db()
    assert request.is_stopping


def test_only_what_failed_is_retried(browser: Client, mixed: RetrainingRequest) -> None:
    assert "Retry 1 failed" in words(browser.get(f"/retraining/{mixed.pk}/"))
    browser.post(f"/retraining/{mixed.pk}/retry-failed/")
    statuses = dict(mixed.runs.values_list("segment__slug", "status"))
    assert statuses == {"atlanta": "succeeded", "boston": "waiting", "chicago": "no_data"}


def test_one_run_is_retried_from_its_page(browser: Client, mixed: RetrainingRequest) -> None:
    run = run_of(mixed, "chicago")
    assert "Retry Chicago" in words(browser.get(f"/retraining/runs/{run.pk}/"))
    browser.post(f"/retraining/runs/{run.pk}/retry/")
    run.refresh_from_db()
    assert run.status == SegmentRun.Status.WAITING


@pytest.mark.parametrize("verb", ["cancel", "retry-failed"])
def test_a_stranger_sees_no_buttons_and_is_refused(stranger: User, mixed: RetrainingRequest, verb: str) -> None:
    client = signed_in(stranger)
    page = client.get(f"/retraining/{mixed.pk}/")
    assert f"/{verb}/".encode() not in page.content
    response = client.post(f"/retraining/{mixed.pk}/{verb}/")
    assert response.status_code == 403
    assert "Only who sent this request" in words(response)
    assert client.post(f"/retraining/runs/{run_of(mixed, 'boston').pk}/retry/").status_code == 403


@pytest.mark.parametrize("who", ["approver", "operator"])
def test_leads_and_operators_may_retry_what_others_asked_for(
    request: pytest.FixtureRequest, mixed: RetrainingRequest, who: str
) -> None:
    response = signed_in(request.getfixturevalue(who)).post(f"/retraining/{mixed.pk}/retry-failed/")
    assert response.status_code == 302


@pytest.mark.parametrize("verb", ["cancel", "retry-failed"])
def test_a_verb_that_comes_too_late_is_a_sentence(browser: Client, submit: Submit, verb: str) -> None:
    request = submit()
    actions.cancel_request(actor=request.requester, request=request)
    actions.drive(request_id=request.pk)
    response = browser.post(f"/retraining/{request.pk}/{verb}/")
    assert response.status_code == 409
    assert "othing" in words(response)


@pytest.mark.parametrize("verb", ["cancel", "retry-failed"])
def test_verbs_are_not_done_by_following_a_link(browser: Client, mixed: RetrainingRequest, verb: str) -> None:
    assert browser.get(f"/retraining/{mixed.pk}/{verb}/").status_code == 405


def test_requests_of_a_family_for_its_teams_only_do_not_exist_for_others(
    stranger: User, mixed: RetrainingRequest
) -> None:
    ModelFamily.objects.update(visibility="teams")
    client, run = signed_in(stranger), run_of(mixed)
    assert "Nothing has been retrained yet" in words(client.get("/retraining/"))
    addresses = [f"/retraining/{mixed.pk}/", f"/retraining/runs/{run.pk}/", f"/retraining/new/toy/?copy={mixed.pk}"]
    assert [client.get(address).status_code for address in addresses] == [404, 404, 404]


@pytest.mark.parametrize("address", ["/retraining/999/", "/retraining/99999999999999999999/", "/retraining/runs/999/"])
def test_what_is_not_there_is_a_page_that_says_so(browser: Client, address: str) -> None:
    assert browser.get(address).status_code == 404


def test_a_run_shows_reason_attempts_metrics_files_and_version(browser: Client, submit: Submit, tmp_path: Path) -> None:
    request = submit("atlanta")
    claim_of(request, worker="work@gone")
    lose_lease()
    actions.drive(request_id=request.pk)
    SegmentRun.objects.update(not_before=None)
    actions.finish(claim=claim_of(request, worker="work@b"), outcome=success(tmp_path))
    run = run_of(request)
    response = browser.get(f"/retraining/runs/{run.pk}/")
    page = words(response)
    assert page.index("work@b") < page.index("work@gone went away")
    assert "mae 6.50" in page
    assert "trained" in page
    assert "Version 1" in page
    assert f"/api/v1/runs/{run.run_id}/files/model.json" in response.content.decode()


def test_a_files_link_downloads_it(browser: Client, mixed: RetrainingRequest) -> None:
    page = browser.get(f"/retraining/runs/{run_of(mixed).pk}/").content.decode()
    link = re.search(r'href="([^"]+/files/model\.json)"', page)
    assert link
    response = browser.get(link[1])
    assert b"".join(response) == b"{}"


def test_a_log_is_shown_as_text(browser: Client, submit: Submit) -> None:
    request = submit()
    actions.renew(claim=claim_of(request), progress=Progress(None, "", "<script>alert(1)</script>\n"))
    page = browser.get(f"/retraining/runs/{run_of(request).pk}/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_the_log_grows_by_what_is_new(browser: Client, submit: Submit) -> None:
    request = submit()
    claim, run = claim_of(request), run_of(request)
    url = f"/retraining/runs/{run.pk}/"
    actions.renew(claim=claim, progress=Progress(None, "", "one\n"))
    next_url = _next(browser.get(url))
    actions.renew(claim=claim, progress=Progress(0.5, "half", "two\n"))
    piece = browser.get(next_url, headers=HTMX)
    text = piece.content.decode()
    assert text.startswith("two\n")
    assert "one\n" not in text
    assert piece["HX-Reswap"] == "beforeend"
    assert "half" in text
    assert ">Running<" in re.sub(r"\s+", "", text.split("#head-badge")[1])
    assert browser.get(_next(piece), headers=HTMX).content.decode().startswith("<div")


def test_the_page_of_a_run_that_ended_is_loaded_again_once(browser: Client, submit: Submit, tmp_path: Path) -> None:
    request = submit()
    claim, run = claim_of(request), run_of(request)
    cursor = _next(browser.get(f"/retraining/runs/{run.pk}/"))
    actions.finish(claim=claim, outcome=success(tmp_path))
    assert browser.get(cursor, headers=HTMX)["HX-Refresh"] == "true"
    assert "?log=" not in browser.get(f"/retraining/runs/{run.pk}/").content.decode()


@pytest.mark.parametrize(
    ("log", "cursor", "piece"),
    [
        ("one\ntwo\n", "1.4", LogPiece("two\n", "1.8", whole=False)),
        ("one\n", "1.4", LogPiece("", "1.4", whole=False)),
        ("one\n", "", LogPiece("one\n", "1.4", whole=True)),
        ("one\n", "1.9", LogPiece("one\n", "1.4", whole=True)),
        ("one\n", "7.2", LogPiece("one\n", "1.4", whole=True)),
        ("one\n", "1.-3", LogPiece("one\n", "1.4", whole=True)),
        ("one\n", "1.x", LogPiece("one\n", "1.4", whole=True)),
    ],
)
def test_a_reader_gets_what_they_have_not_seen(log: str, cursor: str, piece: LogPiece) -> None:
    assert unseen_log(SegmentRun(attempt=1, log=log), cursor) == piece


def test_a_log_that_has_lost_its_beginning_is_shown_anew() -> None:
    full = SegmentRun(attempt=1, log="x" * LOG_CHARACTERS)
    first = unseen_log(full, "1.100")
    assert first.whole
    assert unseen_log(full, first.cursor) == LogPiece("", first.cursor, whole=False)
    full.log = f"{full.log[4:]}end\n"
    assert unseen_log(full, first.cursor).text.endswith("end\n")


@pytest.mark.parametrize("address", ["/retraining/", "/retraining/{request}/", "/retraining/runs/{run}/"])
def test_pages_ask_for_a_constant_number_of_queries(
    browser: Client, mixed: RetrainingRequest, submit: Submit, django_assert_max_num_queries: Any, address: str
) -> None:
    for _ in range(5):
        submit()
    with django_assert_max_num_queries(25):
        browser.get(address.format(request=mixed.pk, run=run_of(mixed).pk))


def test_no_component_is_left_unrendered(browser: Client, mixed: RetrainingRequest) -> None:
    addresses = ["/retraining/", f"/retraining/{mixed.pk}/", f"/retraining/runs/{run_of(mixed).pk}/", "/operations/"]
    assert not [one for one in addresses if "<c-" in browser.get(one).content.decode()]


def _next(response: Any) -> str:
    found = re.search(r'hx-get="([^"]+\?log=[^"]+)"', response.content.decode())
    assert found
    return found[1]


def _head(fragment: str, part: str) -> str:
    """The words of one part of the head, as the live fragment brings them."""
    found = re.search(rf'hx-swap-oob="innerHTML:#head-{part}">(.*?)<div hx-swap-oob', fragment, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def test_between_two_tries_nothing_is_said_to_be_training(browser: Client, submit: Submit) -> None:
    request = submit("atlanta")
    claim_of(request)
    lose_lease()
    actions.drive(request_id=request.pk)
    page = words(browser.get(f"/retraining/runs/{run_of(request).pk}/"))
    assert re.search(r"Time Tried \S+ \w+ Waits for its next try \S+ \w+ so far", page), page
    assert "Trained" not in page
