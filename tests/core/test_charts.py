"""Charts: numbers to geometry."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import charts

NUMBERS = st.floats(min_value=-1e9, max_value=1e9, allow_nan=False)
GAPPY = st.lists(st.one_of(st.none(), NUMBERS, st.just(math.nan)), max_size=40)


def _numbers(path: str) -> list[float]:
    return [float(word) for word in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", path)]


@given(GAPPY)
def test_a_sparkline_stays_inside_its_box_whatever_the_values(values: list[float | None]) -> None:
    drawn = charts.sparkline(values, width=96, height=24)
    coordinates = _numbers(drawn.line)
    assert all(0 <= x <= 96 for x in coordinates[::2])
    assert all(0 <= y <= 24 for y in coordinates[1::2])


def test_a_sparkline_of_nothing_says_so() -> None:
    drawn = charts.sparkline([None, math.nan])
    assert (drawn.line, drawn.last, drawn.summary) == ("", None, "no values")


def test_a_gap_lifts_the_pen() -> None:
    drawn = charts.sparkline([1, None, 2, 3])
    assert drawn.line.count("M") == 2
    assert drawn.area == ""


def test_higher_values_are_drawn_higher() -> None:
    chart = charts.line_chart([charts.Series("MAE", [1, 5])], ["Jan", "Feb"])
    low, high = chart.series[0].points
    assert high.y < low.y


@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_the_axis_holds_every_value_between_its_ticks(values: list[float]) -> None:
    chart = charts.line_chart([charts.Series("any", values)], [str(nth) for nth in range(len(values))])
    ends = [tick.at for tick in chart.y_ticks]
    assert all(min(ends) - 0.5 <= point.y <= max(ends) + 0.5 for point in chart.series[0].points)
    assert 2 <= len(chart.y_ticks) <= 7


def test_ticks_have_only_the_decimals_they_need() -> None:
    whole = charts.bar_chart([0, 81], ["a", "b"])
    assert [tick.label for tick in whole.y_ticks] == ["0", "25", "50", "75", "100"]
    fine = charts.line_chart([charts.Series("f", [0.1, 0.35])], ["a", "b"])
    assert [tick.label for tick in fine.y_ticks] == ["0.1", "0.2", "0.3", "0.4"]


def test_the_table_twin_has_a_row_per_label_and_a_dash_for_a_gap() -> None:
    series = [charts.Series("champion", [8.0, 11.2]), charts.Series("candidate", [None, 6.6])]
    chart = charts.line_chart(series, ["Jun", "Jul"])
    assert chart.rows == (("Jun", "8.00", "–"), ("Jul", "11.20", "6.60"))


def test_a_series_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="one value per label"):
        charts.line_chart([charts.Series("short", [1])], ["a", "b"])


def test_negative_bars_hang_below_zero() -> None:
    up, down = charts.bar_chart([2, -2], ["up", "down"]).bars
    assert up.y + up.height == down.y


def test_at_most_eight_labels_stand_beside_each_other() -> None:
    chart = charts.bar_chart(list(range(100)), [str(nth) for nth in range(100)])
    assert len(chart.x_ticks) <= 8


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_whisker_is_cut_at_the_reach_of_its_table(one: float, two: float, value: float) -> None:
    drawn = charts.whisker(min(one, two), max(one, two), value, reach=10, width=120)
    assert 0 <= drawn.start <= drawn.end <= 120
    assert drawn.zero == 60


@given(st.lists(st.integers(min_value=0, max_value=10_000), max_size=8))
def test_shares_fill_the_bar_exactly(counts: list[int]) -> None:
    drawn = charts.shares([charts.Part("part", count, "ok") for count in counts])
    assert len(drawn) == sum(1 for count in counts if count)
    if drawn:
        assert drawn[-1].x + drawn[-1].width == pytest.approx(100, abs=0.01)


def test_nine_middles_of_ten_fit_the_common_reach_and_the_far_one_is_said_to_lie_beyond() -> None:
    intervals = [(value - 1, value, value + 1) for value in (*range(1, 10), -90)]
    reach = charts.common_reach(intervals)
    assert reach == pytest.approx(9.9)
    drawn = [charts.whisker(low, high, value, reach=reach).beyond for low, value, high in intervals]
    assert drawn == [""] * 9 + ["left"]
    assert charts.common_reach([(None, None, None)]) == 1.0


def test_a_drawn_chart_thins_its_labels_to_what_its_width_holds() -> None:
    chart = charts.line_chart([charts.Series("a", range(31))], [f"{day} Jul" for day in range(31)])
    assert 4 <= len(chart.x_ticks) <= 6
    days = charts.line_chart([charts.Series("a", range(12))], [f"30 Jun 20{year}" for year in range(10, 22)])
    assert [tick.label for tick in days.x_ticks] == ["30 Jun 2010", "30 Jun 2013", "30 Jun 2016", "30 Jun 2019"]


def test_the_last_label_stands_within_the_picture() -> None:
    chart = charts.line_chart([charts.Series("a", [1, 2])], ["31 May 2013", "30 Jun 2013"])
    last = chart.x_ticks[-1]
    assert last.at == chart.series[0].points[-1].x
    assert last.at + charts.LETTER * len(last.label) / 2 <= chart.width
