"""The managers' questions, each answered from home within two clicks or one search, on the demo company's catalog.

A click follows a link that the page really has; a search sends the page's own form.
"""

import re

import pytest
from django.test import Client

from apps.demo.seeding import company, tools
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db
MOST_CLICKS = 2


class Reader:
    """Somebody at the home page who clicks and counts."""

    def __init__(self, client: Client) -> None:
        self.client, self.clicks, self.words = client, 0, ""
        self._open("/")

    def click(self, address: str) -> "Reader":
        assert f'href="{address}' in self.words, f"there is no link to {address}"
        self.clicks += 1
        return self._open(address)

    def search(self, words: str) -> "Reader":
        assert 'name="q"' in self.words
        return self._open(f"/tools/?q={words}")

    def reads(self, *parts: str) -> None:
        assert self.clicks <= MOST_CLICKS
        text = " ".join(re.sub(r"<[^>]*>", " ", self.words).split())
        for part in parts:
            assert part in text, part

    def _open(self, address: str) -> "Reader":
        response = self.client.get(address)
        assert response.status_code == 200
        self.words = response.content.decode()
        return self


@pytest.fixture
def home() -> Reader:
    people = company.seed("correct-horse-battery")
    tools.seed(people)
    return Reader(signed_in(people.manager))


def test_a_manager_finds_an_answer_to_each_question(home: Reader) -> None:
    """One company for all of them: seeding it takes longer than asking."""
    client = home.client
    home.reads("ADR-0023: Rent managed Airflow", "ADR-0037: Per-city models")  # 6 what waits for me
    Reader(client).click("/tools/").reads("Feature store", "Feast")  # 1 what may we use for it
    airflow = Reader(client).click("/tools/").click("/tools/apache-airflow/")
    airflow.reads("Who uses it", "Rides Pricing", "Experts", "Jonas Weber")  # 2 who uses it, who knows it
    airflow.reads("What it costs", "person-weeks")  # 3 what does it cost, who pays
    measured = Reader(client).click("/tools/").click("/catalog/measures/")
    measured.reads("Orchestration and scheduling", "4 in use, 2 adopted")  # 4 how many orchestrators
    measured.reads("What a new member has to learn", "Delivery Time")  # 9 what must a new hire learn
    Reader(client).click("/tools/").search("drift").reads(
        "Postpone data drift detection", "A cloud provider offers managed monitoring", "adopted in July 2020"
    )  # 5 what did we decide, when do we look again
    watched = Reader(client).click("/tools/").click("/catalog/watch/")
    watched.reads("8 commits in twelve months, by 4 people", "moved it to graduated")  # 7 which bets got weaker
    watched.reads("nobody is known to use it", "Kubeflow")  # 10 what may we stop
    Reader(client).click("/tools/").click("/catalog/ecosystems/").reads("AWS", "eta-trip")  # 8 if a vendor goes
    Reader(client).click("/tools/").click("/radar/").reads("moved since 28 Aug 2026", "DuckDB new")  # 11 what changed
    report = re.findall(r'href="(/catalog/reports/[^"]+)"', Reader(client).click("/tools/").words)[0]
    Reader(client).click("/tools/").click(report).reads("Exceptions", "Delivery may run Metaflow", "4 of 10 done")  # 12


def test_the_demo_holds_the_whole_story(home: Reader) -> None:
    for label, told in {
        "ADR-0001": "Still the strongest community",
        "ADR-0007": "14 person-weeks",
        "ADR-0009": "It was right",
        "ADR-0012": "Superseded by",
        "ADR-0031": "4 of 10 have moved",
        "ADR-0034": "31 Dec 2026",
    }.items():
        Reader(home.client)._open(f"/decisions/{label}/").reads(told)
    assert home.client.get("/decisions/?status=proposed").content.decode().count('href="/decisions/ADR-') == 2
    assert home.client.get("/api/v1/tools/?page_size=1").json()["count"] == 285
