"""The frozen plan and what is read from it."""

from datetime import date
from typing import Any

import pytest

from apps.retraining.plans import Window, digest_of, training_window

NAMES = {"as_of": "as_of", "months": "window_months"}


@pytest.mark.parametrize(
    ("as_of", "months", "first", "last"),
    [
        ("2013-07-01", 3, date(2013, 4, 1), date(2013, 6, 30)),
        ("2013-01-01", 1, date(2012, 12, 1), date(2012, 12, 31)),
        ("2013-05-31", 3, date(2013, 2, 28), date(2013, 5, 30)),
        ("2012-05-31", 3, date(2012, 2, 29), date(2012, 5, 30)),
    ],
)
def test_training_reaches_from_some_months_before_to_the_day_before(
    as_of: str, months: int, first: date, last: date
) -> None:
    assert training_window(NAMES, {"as_of": as_of, "window_months": months}) == Window(first, last)


@pytest.mark.parametrize("parameters", [{}, {"as_of": "soon", "window_months": 3}, {"as_of": None}])
def test_a_window_that_can_not_be_read_is_unknown(parameters: dict[str, Any]) -> None:
    assert training_window(NAMES, parameters) == Window(None, None)


@pytest.mark.parametrize("months", [0, -1, "3", None, 10**9])
def test_a_length_that_makes_no_sense_leaves_the_first_day_unknown(months: object) -> None:
    parameters = {"as_of": "2013-07-01", "window_months": months}
    assert training_window(NAMES, parameters) == Window(None, date(2013, 6, 30))


def test_a_window_can_be_given_by_its_two_days() -> None:
    names = {"first": "start", "last": "end"}
    days = {"start": "2013-01-01", "end": "2013-03-31"}
    assert training_window(names, days) == Window(date(2013, 1, 1), date(2013, 3, 31))


def test_a_pipeline_without_a_window_has_none() -> None:
    assert training_window({}, {"as_of": "2013-07-01"}) == Window(None, None)


def test_the_digest_depends_on_the_content_and_not_on_the_order() -> None:
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    assert digest_of({"a": 1, "b": [1, 2]}) != digest_of({"a": 1, "b": [2, 1]})
