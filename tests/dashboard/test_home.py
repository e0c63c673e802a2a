"""My work: what waits for me, what of mine runs, how my teams' models do."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.registry.actions import propose
from apps.registry.models import ModelFamily, ModelVersion
from apps.retraining import actions as retraining
from apps.retraining.models import RetrainingRequest
from tests.catalog.conftest import (
    MakeDecision,
    airflow,
    board,
    editor,
    make_decision,
    make_tool,
    orchestration,
    second_of_board,
    text,
)
from tests.conftest import signed_in
from tests.dashboard.test_families import shown, words
from tests.retraining.conftest import Submit, claim_of, failure, pipeline, pipelines_folder, submit

__all__ = [
    "airflow",
    "board",
    "editor",
    "make_decision",
    "make_tool",
    "orchestration",
    "pipeline",
    "pipelines_folder",
    "second_of_board",
    "submit",
    "text",
]

Cities = Callable[[int], list[str]]
Make = Callable[..., dict[str, ModelVersion]]


@pytest.fixture
def failed(cities: Cities, submit: Submit) -> RetrainingRequest:
    """A request of the owner's of which one of two segment runs failed for good; the other is not over."""
    cities(2)
    request = submit("city-0")
    retraining.finish(claim=claim_of(request, "city-0"), outcome=failure("exit", "The matrix is singular."))
    while request.is_open:
        retraining.drive(request_id=request.pk)
        request.refresh_from_db()
    return request


def test_a_proposal_waits_for_its_approver_and_for_nobody_else(
    owner: User, approver: User, stranger: User, family: ModelFamily, cities: Cities, champions: Make, candidates: Make
) -> None:
    slugs = cities(2)
    champions(slugs)
    made = candidates(slugs)
    wave = propose(actor=owner, family=family, versions=list(made.values()), reason="Summer is another season.")
    page = shown(approver, "/")
    assert "Trip ETA: promote 2 segments to champion Owner: Summer is another season." in words(page)
    assert f'href="/promotions/{wave.pk}/"' in page
    for other in (owner, stranger):
        assert "Summer is another season." not in shown(other, "/")


def test_my_running_request_shows_how_far_it_is(owner: User, colleague: User, cities: Cities, submit: Submit) -> None:
    cities(3)
    request = submit(reason="A new month")
    told = words(shown(owner, "/"))
    assert f"Toy for Trip ETA Request #{request.pk}: A new month" in told
    assert "0 of 3" in told
    assert "A new month" not in shown(colleague, "/")


def test_my_failures_come_with_the_way_to_their_reasons(owner: User, failed: RetrainingRequest) -> None:
    page = shown(owner, "/")
    assert "1 of 1 segment run failed" in words(page)
    assert f'href="/retraining/{failed.pk}/?status=failed"' in page


def test_operators_see_everybody_s_failures_with_the_reason(
    operator: User, colleague: User, failed: RetrainingRequest
) -> None:
    assert "1 segment run of Toy failed The matrix is singular." in words(shown(operator, "/"))
    assert "The matrix is singular." not in shown(colleague, "/")


def test_my_teams_models_are_there_with_how_they_do(
    owner: User, stranger: User, cities: Cities, champions: Make
) -> None:
    champions(cities(3)[:2])
    told = words(shown(owner, "/"))
    assert "Trip ETA 2 of 3 segments have a champion, typically 122 days old" in told
    assert "2 of 2 worse than the baseline" in told
    assert "Trip ETA" not in words(shown(stranger, "/"))


def test_a_proposed_decision_waits_for_the_board_and_for_nobody_else(
    board: User, second_of_board: User, editor: User, owner: User, make_decision: MakeDecision
) -> None:
    make_decision("proposed", number=23)
    for person in (board, second_of_board):
        page = shown(person, "/")
        assert "ADR-0023: Airflow for orchestration Orchestration, proposed by Editor" in words(page)
        assert 'href="/decisions/ADR-0023/"' in page
    for other in (editor, owner):
        assert "ADR-0023" not in shown(other, "/")


def test_nobody_is_sent_where_they_may_do_nothing(
    stranger: User, board: User, operator: User, admin: User, make_decision: MakeDecision
) -> None:
    make_decision("proposed")
    starts = {"Find an approved tool", "Read why we decided so", "See how the models do"}
    for person, further in (
        (stranger, set()),
        (board, set()),
        (operator, {"Watch the workers", "Freeze promotions"}),
        (admin, {"Add teams and people", "Freeze promotions"}),
    ):
        assert set(re.findall(r"<h3>(.+?)</h3>", shown(person, "/"))) == starts | further


def test_the_home_page_stays_within_its_queries(
    approver: User, operator: User, cities: Cities, champions: Make, submit: Submit, django_assert_max_num_queries: Any
) -> None:
    champions(cities(5))
    submit()
    for person in (approver, operator):
        browser = signed_in(person)
        browser.get("/")
        with django_assert_max_num_queries(25):
            browser.get("/")


def test_the_rail_says_how_much_waits_and_nothing_when_nothing_does(
    owner: User, approver: User, stranger: User, family: ModelFamily, cities: Cities, champions: Make, candidates: Make
) -> None:
    slugs = cities(2)
    champions(slugs)
    propose(actor=owner, family=family, versions=list(candidates(slugs).values()), reason="Summer")
    assert 'hx-get="/waiting/"' in shown(approver, "/models/")
    assert words(shown(approver, "/waiting/")) == "1 waits for you"
    assert words(shown(stranger, "/waiting/")) == ""


def test_a_failure_of_mine_counts_in_the_rail(owner: User, colleague: User, failed: RetrainingRequest) -> None:
    assert words(shown(owner, "/waiting/")) == "1 waits for you"
    assert words(shown(colleague, "/waiting/")) == ""
