"""How long retraining takes: what earlier requests, single runs and the request's own pace say."""

import pytest

from apps.retraining.estimates import Estimate, Passage, forecast, remaining

SINGLES = [0.2, 0.3, 0.3, 0.3, 0.4]


def test_earlier_requests_say_it_with_all_that_lies_between_their_runs() -> None:
    found = forecast(past=[Passage(20, 80), Passage(30, 80), Passage(25, 80)], singles=SINGLES, runs=80, at_a_time=2)
    assert found is not None
    assert found.median == pytest.approx(25)
    assert 20 <= found.low < found.median < found.high <= 30
    assert found.history == 240


def test_one_earlier_request_has_no_range() -> None:
    assert forecast(past=[Passage(20, 80)], singles=SINGLES, runs=40, at_a_time=2) == Estimate(10, 10, 10, 80)


@pytest.mark.parametrize("past", [[], [Passage(9, 1), Passage(9, 4)]])
def test_without_a_request_of_some_size_single_runs_are_laid_beside_each_other(past: list[Passage]) -> None:
    found = forecast(past=past, singles=[10.0] * 6, runs=8, at_a_time=2)
    assert found == Estimate(40, 40, 40, 6)


def test_workers_that_are_away_are_taken_for_one() -> None:
    found = forecast(past=[], singles=[10.0] * 6, runs=8, at_a_time=0)
    assert found == Estimate(80, 80, 80, 6)


def test_nothing_is_over_before_a_single_run_could_be() -> None:
    found = forecast(past=[Passage(20, 80)], singles=SINGLES, runs=1, at_a_time=2)
    assert found is not None
    assert found.median == pytest.approx(0.3)


def test_too_few_runs_say_nothing() -> None:
    assert forecast(past=[Passage(20, 80)], singles=SINGLES[:4], runs=80, at_a_time=2) is None


@pytest.mark.parametrize(("elapsed", "done", "rest", "left"), [(18, 60, 20, 6), (18, 60, 0, 0), (18, 4, 60, None)])
def test_the_rest_goes_at_the_pace_so_far(elapsed: float, done: int, rest: int, left: float | None) -> None:
    assert remaining(elapsed=elapsed, done=done, rest=rest) == left
