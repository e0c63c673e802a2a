"""Whether a policy fires: pure decisions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from apps.core.errors import Invalid
from apps.retraining.occasions import Rules, Situation, check_schedule, decide, due_times, is_storm

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RULES = Rules(cool_down=timedelta(hours=24), daily_cap=10)
CALM = Situation(at=NOW, segments=["atlanta", "boston"], last={})


def test_it_fires_for_all_when_nothing_speaks_against_it() -> None:
    assert decide("It was due.", CALM, RULES).segments == ("atlanta", "boston")


def test_a_segment_that_cools_down_is_left_out_and_all_of_them_stop_it() -> None:
    hour_ago = {"atlanta": NOW - timedelta(hours=1)}
    assert decide("It was due.", replace(CALM, last=hour_ago), RULES).segments == ("boston",)
    both = replace(CALM, last={name: NOW - timedelta(hours=1) for name in CALM.segments})
    said = decide("It was due.", both, RULES).reason
    because = "atlanta and boston are in the cool-down: retrained within the last 24 hours"
    assert said == f"It was due. It did not fire because {because}."


def test_what_is_being_retrained_is_left_out() -> None:
    assert decide("It was due.", replace(CALM, busy=frozenset({"boston"})), RULES).segments == ("atlanta",)
    busy = decide("It was due.", replace(CALM, busy=frozenset({"boston", "atlanta"})), RULES)
    assert "being retrained already" in busy.reason


def test_the_cap_of_a_day_stops_it_whole() -> None:
    said = decide("It was due.", replace(CALM, runs_within_a_day=9), RULES)
    assert not said.fires
    assert "2 more would pass the 10 runs" in said.reason


def test_a_freeze_stops_it_and_is_told() -> None:
    assert "because of the audit" in decide("It was due.", replace(CALM, frozen="because of the audit"), RULES).reason


@pytest.mark.parametrize(
    ("alarmed", "segments", "storm"), [(81, 81, True), (17, 81, True), (16, 81, False), (1, 3, False), (3, 3, True)]
)
def test_more_than_a_fifth_of_the_segments_is_a_storm(alarmed: int, segments: int, storm: bool) -> None:
    assert is_storm(alarmed, segments) is storm


def test_a_time_that_the_clock_skips_is_not_lost_and_one_it_repeats_comes_once() -> None:
    spring, autumn = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)
    day = timedelta(days=1)
    skipped = list(due_times("30 3 * * *", "Europe/Tallinn", spring, spring + day))
    repeated = list(due_times("30 3 * * *", "Europe/Tallinn", autumn, autumn + day))
    assert (len(skipped), len(repeated)) == (1, 1)
    assert skipped[0] == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 04:00 in summer time, when 03:00 to 04:00 is skipped


def test_a_schedule_follows_its_own_time_zone() -> None:
    [due] = due_times(
        "0 6 1 * *", "America/New_York", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
    )
    assert due == datetime(2026, 12, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone"),
    [("61 * * * *", "UTC"), ("often", "UTC"), ("0 0 31 2 *", "UTC"), ("0 6 * * *", "Mars"), ("0 6 * * *", "../etc")],
)
def test_nonsense_is_no_schedule(cron: str, zone: str) -> None:
    with pytest.raises(Invalid):
        check_schedule(cron, zone)
