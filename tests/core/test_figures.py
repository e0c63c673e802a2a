"""Numbers and statuses as people read them."""

import math

import pytest

from apps.core import figures
from apps.core.looks import look_of


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (0, "0.00"), (6.6, "6.60"), (123.456, "123.5"), (264.0, "264"), (12_345.6, "12,346"),
        (0.00423, "0.0042"), (-11.2, "-11.20"), (math.nan, "not a number"), (math.inf, "infinite"),
    ],
)  # fmt: skip
def test_a_number_has_the_decimals_that_matter(value: float | None, shown: str) -> None:
    assert figures.number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (0.42, "0.4 s"), (12.3, "12 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min"), (90_000, "1 d 1 h"),
     (120, "2 min"), (59.7, "1 min"), (3_599.9, "1 h")],
)  # fmt: skip
def test_a_duration_has_its_two_largest_units(seconds: float | None, shown: str) -> None:
    assert figures.duration(seconds) == shown


@pytest.mark.parametrize(
    ("change", "better", "shown"),
    [(-1.2, "lower", ("▼", "ok", "better")), (1.2, "lower", ("▲", "bad", "worse")),
     (1.2, "higher", ("▲", "ok", "better")), (-1.2, "higher", ("▼", "bad", "worse")),
     (0, "lower", ("=", "idle", "the same")), (1.2, "", ("▲", "idle", "more"))],
)  # fmt: skip
def test_a_change_is_judged_by_the_direction_that_is_better(
    change: float, better: str, shown: tuple[str, str, str]
) -> None:
    made = figures.delta(change, better)
    assert made is not None
    assert (made.arrow, made.tone, made.word) == shown


def test_no_change_known_shows_nothing() -> None:
    assert figures.delta(None) is None
    assert figures.delta(math.nan) is None


@pytest.mark.parametrize("spelling", ["NO_DATA", "no data", "no-data", " no_data "])
def test_a_status_looks_the_same_in_every_spelling(spelling: str) -> None:
    assert look_of(spelling).label == "No data"


def test_an_unknown_status_is_shown_as_a_plain_word() -> None:
    assert (look_of("on_fire").tone, look_of("on_fire").label) == ("idle", "On fire")
