"""The fleet, drawn: what somebody wrote stays words, in the map and in the table."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from apps.dashboard.fleet import MEASURES, Row, heat, judged
from apps.dashboard.tables import Region, fleet_map, fleet_table
from apps.registry.gates import Outcome
from apps.registry.models import ModelFamily
from apps.registry.queries import FleetRow, Resolved
from apps.retraining.queries import Alarm, LastRun
from tests.dashboard.test_fleet import cell, competing, verdict

EVIL = """<evil on="1" title='2'>&amp;"""


class Read(HTMLParser):
    """What a browser would make of it: tags, names of attributes, and all that can be read."""

    def __init__(self, regions: list[Region]) -> None:
        super().__init__()
        self.tags, self.names, self.words = set[str](), set[str](), ""
        self.feed("".join(region.lines for region in regions))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.words += "".join(f" {value} " for _, value in attrs)

    def handle_data(self, data: str) -> None:
        self.words += data


def evil(given: FleetRow) -> FleetRow:
    return replace(given, name=f"{EVIL} named", region=f"{EVIL} region")


@pytest.fixture
def rows() -> list[Row]:
    """All that somebody can have written of a segment: one that fails, and an empty one that another serves."""
    fails = competing("fails", refusal=f"{EVIL} refused", verdicts=(verdict(Outcome.FAIL),))
    empty = cell("empty", champion=None, age_days=None, newest=None, evaluated=None)
    failed = LastRun(2, "failed", f"{EVIL} crashed", 60.0)
    return judged(
        [evil(fails), evil(empty)],
        lower_is_better=True,
        runs={"fails": LastRun(1, "succeeded", "", None), "empty": failed},
        alarms={"fails": [Alarm(1, "drift", f"{EVIL} drifted")]},
        stand_ins={"empty": Resolved("empty", "eta-trip.global", 1, 7, "", "global")},
    )


def test_the_table_shows_words_and_no_markup(rows: list[Row]) -> None:
    family = ModelFamily(slug="eta-trip")
    read = Read(fleet_table(rows, family=family, ticked={"fails"}, by_region=False))
    assert not {"evil"} & read.tags
    assert not {"on"} & read.names
    for words in ("named", "region", "refused", "crashed", "drifted"):
        assert f"{EVIL} {words}" in read.words, words
    assert "global v1 serves." in read.words


def test_the_map_shows_words_and_no_markup(rows: list[Row]) -> None:
    drawn = heat(rows, MEASURES["baseline"], by_region=True, ticked={"fails"}, unit=EVIL)
    read = Read(fleet_map(drawn, family=ModelFamily(slug="eta-trip"), has_boxes=True))
    assert not {"evil"} & read.tags
    assert not {"on"} & read.names
    for words in ("named", "region", "crashed", "drifted"):
        assert f"{EVIL} {words}" in read.words, words
    assert f"9.00 {EVIL}, 2.00 worse" in read.words
