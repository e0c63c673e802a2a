"""The managers' twelve questions, asked of the demo company in a real Chromium: each within two clicks from home.

Playwright's loop and Django's database calls can not share a thread, so the company is there before the browser opens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client
from playwright.sync_api import Page, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import Team
from apps.demo.seeding import company, tools
from apps.registry.actions import create_family
from portal.local.browser import find
from tests.conftest import signed_in

MOST_CLICKS = 2


@dataclass(frozen=True)
class Question:
    """`clicks` are the names of links, from home on; `answers` are words of the page that they lead to."""

    asked: str
    clicks: tuple[str, ...]
    answers: tuple[str, ...]


QUESTIONS = (
    Question("What may we use for a feature store?", ("Tools",), ("Feature store", "Feast")),
    Question(
        "Who uses Airflow, and who knows it?",
        ("Tools", "Apache Airflow"),
        ("Who uses it", "Rides Pricing", "Experts", "Jonas Weber"),
    ),
    Question("What does it cost, and who pays?", ("Tools", "Apache Airflow"), ("What it costs", "person-weeks")),
    Question(
        "How many orchestrators do we run, and why?",
        ("Tools", "Measures"),
        ("Orchestration and scheduling", "4 in use, 2 adopted"),
    ),
    Question(
        "What did we decide about drift detection, and when do we look again?",
        ("Tools", "Decisions"),
        ("Postpone data drift detection", "A cloud provider offers managed monitoring", "adopted in July 2020"),
    ),
    Question("What waits for me?", (), ("ADR-0023: Rent managed Airflow", "ADR-0037: Per-city models")),
    Question(
        "Which of our bets got weaker?",
        ("Tools", "Watch"),
        ("8 commits in twelve months, by 4 people", "moved it to graduated"),
    ),
    Question("What is hit if a vendor goes?", ("Tools", "If a vendor goes"), ("AWS", "Trip ETA", "Tier-1 models")),
    Question("What must a new hire learn?", ("Tools", "Measures"), ("What a new member has to learn", "Delivery Time")),
    Question("What may we stop?", ("Tools", "Watch"), ("nobody is known to use it", "Kubeflow")),
    Question("What has changed since last quarter?", ("Tools", "Radar"), ("moved since 28 Aug 2026", "DuckDB new")),
    Question(
        "What do I show to the steering committee?",
        ("Tools", "This quarter"),
        ("Exceptions", "Delivery may run Metaflow", "4 of 10 done"),
    ),
)


@pytest.fixture
def manager(transactional_db: None, settings: Settings) -> Client:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    people = company.seed("correct-horse-battery")
    tools.seed(people)
    owner = Team.objects.get(slug="rides-eta")
    create_family(actor=people.admin, slug="eta-trip", name="Trip ETA", team=owner, metric="mae", tier=1)
    return signed_in(people.manager)


@pytest.fixture
def home(live_server: LiveServer, manager: Client) -> Iterator[Page]:
    cookie = {"name": "sessionid", "value": manager.cookies["sessionid"].value, "url": live_server.url}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=live_server.url)
        context.add_cookies([cookie])  # type: ignore[list-item]
        yield context.new_page()
        browser.close()


def test_a_manager_finds_the_answer_to_each_question(home: Page, subtests: pytest.Subtests) -> None:
    """One company and one browser for all of them: seeding and starting take longer than asking."""
    for question in QUESTIONS:
        with subtests.test(question.asked):
            assert len(question.clicks) <= MOST_CLICKS
            home.goto("/")
            for name in question.clicks:
                home.get_by_role("link", name=name, exact=True).first.click()
            words = " ".join(home.locator("body").inner_text().split()).lower()
            assert [answer for answer in question.answers if answer.lower() not in words] == []


def test_the_demo_holds_the_whole_story(manager: Client) -> None:
    for label, told in {
        "ADR-0001": "Still the strongest community",
        "ADR-0007": "14 person-weeks",
        "ADR-0009": "It was right",
        "ADR-0012": "Superseded by",
        "ADR-0031": "4 of 10 have moved",
        "ADR-0034": "31 Dec 2026",
    }.items():
        assert told in manager.get(f"/decisions/{label}/").content.decode()
    assert manager.get("/decisions/?status=proposed").content.decode().count('href="/decisions/ADR-') == 2
    assert manager.get("/api/v1/tools/?page_size=1").json()["count"] == 285
