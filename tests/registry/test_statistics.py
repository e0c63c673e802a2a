import math
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from apps.registry.statistics import (
    DailyErrors,
    Direction,
    PairedDifference,
    paired_difference,
    small_sample_level,
)


def days(gains: np.ndarray, rows: np.ndarray, champion: float = 10.0) -> list[DailyErrors]:
    """Days on which the candidate's sum of errors is `gains` below the champion's."""
    return [
        DailyErrors(f"2013-07-{i + 1:02}", int(n), champion * int(n) - float(gain), champion * int(n))
        for i, (gain, n) in enumerate(zip(gains, rows, strict=True))
    ]


@st.composite
def months(draw: st.DrawFn) -> list[DailyErrors]:
    errors = st.floats(0, 500, allow_nan=False)
    count = draw(st.integers(2, 31))
    return [
        DailyErrors(f"2013-07-{i + 1:02}", draw(st.integers(1, 9)), draw(errors), draw(errors)) for i in range(count)
    ]


def close(a: float | None, b: float | None) -> bool:
    assert a is not None
    assert b is not None
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6)


# --- against independently computed values ---


def test_the_mean_is_weighted_by_rows_and_not_by_days() -> None:
    result = paired_difference([DailyErrors("a", 1, 0.0, 10.0), DailyErrors("b", 9, 90.0, 90.0)])
    assert (result.mean, result.rows, result.days) == (1.0, 10, 2)
    assert result.relative == pytest.approx(1.0 / 10.0)  # 100 minutes over 10 rows for the champion


def test_the_bounds_are_those_of_a_block_bootstrap_written_by_hand() -> None:
    rng = np.random.default_rng(7)
    rows = rng.integers(1, 6, 25)
    gains = rng.normal(0.8, 3.0, 25) * rows
    drawn = rng.integers(0, 25, (200_000, 25))
    means = gains[drawn].sum(axis=1) / rows[drawn].sum(axis=1)
    level = stats.norm.cdf(stats.t.ppf(0.95, 24) * math.sqrt(25 / 24))
    result = paired_difference(days(gains, rows), resamples=50_000)
    assert result.lower == pytest.approx(np.quantile(means, 1 - level), abs=0.03)
    assert result.upper == pytest.approx(np.quantile(means, level), abs=0.03)


def test_normal_days_of_equal_size_give_the_textbook_bound() -> None:
    """For a plain mean the expanded percentile bound is nearly Student's: mean - t(0.95) * s / sqrt(n)."""
    rng = np.random.default_rng(11)
    for count in (12, 31):
        gains = rng.normal(1.0, 2.0, count)
        result = paired_difference(days(gains, np.ones(count)), resamples=50_000)
        reach = stats.t.ppf(0.95, count - 1) * gains.std(ddof=1) / math.sqrt(count)
        assert result.lower == pytest.approx(gains.mean() - reach, abs=0.1 * reach)
        assert result.upper == pytest.approx(gains.mean() + reach, abs=0.1 * reach)


def test_the_bounds_are_the_quantiles_of_all_resamples_that_there_are() -> None:
    """Five days can be drawn again in 5^5 ways: all of them are counted here, one by one."""
    gains, rows = np.array([3.0, -2.0, 4.5, 1.0, 7.0]), np.array([1, 2, 4, 1, 3])
    every = [sum(gains[list(drawn)]) / sum(rows[list(drawn)]) for drawn in product(range(5), repeat=5)]
    level = small_sample_level(5, 0.95)
    result = paired_difference(days(gains, rows), resamples=100_000)
    for bound, wanted in ((result.lower, 1 - level), (result.upper, level)):
        low, high = np.quantile(every, [wanted - 0.003, wanted + 0.003])  # three times the noise of 100,000 draws
        assert bound is not None
        assert low - 1e-9 <= bound <= high + 1e-9


def test_the_published_interval_of_student_s_sleep_data_is_as_long() -> None:
    """Student (Biometrika 6, 1908): ten patients' gain in hours; paired t, 95 %: 0.7001 to 2.4599, mean 1.58.

    The gains lean to the right, and so does the bootstrap's interval; its length is the published one's.
    """
    gains = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    result = paired_difference(days(gains, np.ones(10)), confidence=0.975, resamples=100_000)
    assert result.mean == pytest.approx(1.58)
    assert result.lower is not None
    assert result.upper is not None
    assert result.upper - result.lower == pytest.approx(2.4598858 - 0.7001142, rel=0.05)
    assert result.lower > 0.7001
    assert result.upper > 2.4599


def test_the_level_is_widened_for_few_days_and_becomes_the_nominal_one_for_many() -> None:
    # From printed tables: t(0.975; 9) = 2.262, times sqrt(10 / 9) = 2.384, and beyond that lies 0.0086 of a normal.
    assert 1 - small_sample_level(10, 0.975) == pytest.approx(0.0086, abs=0.0001)
    assert small_sample_level(100_000, 0.95) == pytest.approx(0.95, abs=0.0001)


def test_whole_days_are_drawn_again_so_trips_of_one_day_are_not_counted_as_independent() -> None:
    """Ten days of thirty equal trips are ten observations: the interval must not shrink to that of 300."""
    gains = np.array([3.0, -2.0, 4.0, -1.0, 2.0, -3.0, 5.0, 0.0, 1.0, -2.0])
    few = paired_difference(days(gains, np.ones(10)), seed=1)
    many = paired_difference(days(gains * 30, np.full(10, 30)), seed=1)
    assert close(few.lower, many.lower)
    assert close(few.upper, many.upper)


# --- properties ---


@settings(max_examples=40, deadline=None)
@given(months())
def test_swapping_candidate_and_champion_swaps_the_sign(month: list[DailyErrors]) -> None:
    there = paired_difference(month, resamples=500)
    swapped = [DailyErrors(d.day, d.rows, candidate=d.champion, champion=d.candidate) for d in month]
    back = paired_difference(swapped, resamples=500)
    assert close(there.mean, -back.mean)
    assert close(there.lower, -back.upper if back.upper is not None else None)


@settings(max_examples=40, deadline=None)
@given(months(), st.floats(0.01, 100))
def test_another_unit_scales_the_difference_and_keeps_the_share(month: list[DailyErrors], factor: float) -> None:
    minutes = paired_difference(month, resamples=500)
    scaled = [DailyErrors(d.day, d.rows, d.candidate * factor, d.champion * factor) for d in month]
    other = paired_difference(scaled, resamples=500)
    assert minutes.lower is not None
    assert close(other.mean, minutes.mean * factor)
    assert other.lower == pytest.approx(minutes.lower * factor, rel=1e-6, abs=1e-6)
    if minutes.relative is not None:
        assert other.relative == pytest.approx(minutes.relative, rel=1e-6, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(months(), st.randoms())
def test_the_order_of_days_does_not_matter_and_the_answer_repeats(month: list[DailyErrors], random: Random) -> None:
    shuffled = random.sample(month, len(month))
    assert paired_difference(month, resamples=200) == paired_difference(shuffled, resamples=200)


@settings(max_examples=40, deadline=None)
@given(months())
def test_the_bounds_enclose_the_mean_of_resamples_in_order(month: list[DailyErrors]) -> None:
    result = paired_difference(month, resamples=500)
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower <= result.upper


def test_higher_is_better_turns_the_sign() -> None:
    month = [DailyErrors("a", 2, 1.8, 1.0), DailyErrors("b", 2, 1.6, 1.0)]
    assert paired_difference(month, direction=Direction.HIGHER_IS_BETTER).mean == pytest.approx(0.35)
    assert paired_difference(month).mean == pytest.approx(-0.35)


# --- edges ---


def test_the_same_model_never_beats_itself() -> None:
    result = paired_difference([DailyErrors(str(i), 3, 12.0, 12.0) for i in range(31)])
    assert (result.mean, result.lower, result.upper) == (0.0, 0.0, 0.0)


def test_one_day_has_a_mean_but_no_bounds() -> None:
    assert paired_difference([DailyErrors("a", 4, 8.0, 10.0)]) == PairedDifference(0.5, 0.2, None, None, 4, 1)


def test_a_champion_without_any_error_has_no_share() -> None:
    assert paired_difference([DailyErrors("a", 4, 8.0, 0.0), DailyErrors("b", 4, 8.0, 0.0)]).relative is None


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        ([], "no row"),
        ([DailyErrors("a", 0, 0.0, 0.0)], "no row"),
        ([DailyErrors("a", 1, 1.0, 1.0), DailyErrors("a", 1, 1.0, 1.0)], "twice"),
        ([DailyErrors("a", 1, math.nan, 1.0)], "finite"),
        ([DailyErrors("a", 1, 1.0, math.inf)], "finite"),
    ],
)
def test_what_cannot_be_compared_is_said(month: list[DailyErrors], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        paired_difference(month)


# --- what it is for ---


def test_a_model_that_is_no_better_passes_the_bound_rarely_and_a_plain_two_percent_often() -> None:
    """400 pairs without any true difference, days like those of a real month (1 to 5 trips, heavy tails)."""
    rng = np.random.default_rng(2013)
    results = []
    for _ in range(400):
        rows = rng.integers(1, 6, 30)
        results.append(paired_difference(days(rng.standard_t(5, 30) * rows, rows), resamples=1000))
    bound = sum(result.lower > 0 for result in results if result.lower is not None) / len(results)
    plain = sum(result.relative >= 0.02 for result in results if result.relative is not None) / len(results)
    assert 0.02 <= bound <= 0.09
    assert plain > 2 * bound


def test_a_real_improvement_passes() -> None:
    rng = np.random.default_rng(4)
    rows = rng.integers(1, 6, 30)
    result = paired_difference(days((3.0 + rng.standard_t(5, 30)) * rows, rows))
    assert result.lower is not None
    assert result.lower > 2.0
