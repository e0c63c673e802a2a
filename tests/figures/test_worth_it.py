"""The demo's true answer: is a model per city worth it? 81 cities, April to December, retrained each month."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import fmean

import pytest

from apps.demo.lake import destinations, reveal
from tests.demo.worth import Seen, by_hand

MONTHS = range(4, 13)
Months = dict[int, list[Seen]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    reveal(folder, date(2013, 12, 31))
    return folder


@pytest.fixture(scope="module")
def ridge(lake: Path) -> Months:
    return everywhere("eta_ridge.py", lake)


def everywhere(code: str, lake: Path) -> Months:
    """Cities that have trips enough, by month."""
    cities = [place.slug for place in destinations()]
    return {month: [seen for city in cities if (seen := by_hand(code, lake, city, month))] for month in MONTHS}


def won(months: Months) -> tuple[int, int]:
    """In how many city-months a model per city beats one for all, and of how many."""
    every = [seen for month in months.values() for seen in month]
    return sum(seen.own < seen.shared for seen in every), len(every)


def test_a_ridge_regression_per_city_beats_one_for_all_in_two_thirds_of_the_city_months(ridge: Months) -> None:
    """466 of 707 when it was first measured, by other rules of which trips are complete."""
    wins, every = won(ridge)
    assert every == 717
    assert wins == pytest.approx(474, abs=3)


def test_boosted_trees_per_city_lose_against_one_for_all(lake: Path) -> None:
    """255 of 707 when it was first measured, with deeper trees."""
    wins, every = won(everywhere("eta_boosting.py", lake))
    assert every == 717
    assert wins == pytest.approx(302, abs=10)


def test_in_april_and_september_the_plain_median_misses_least(ridge: Months) -> None:
    best = {month: names_of_the_best(found) for month, found in ridge.items()}
    assert [month for month, name in best.items() if name == "baseline"] == [4, 9]
    assert "shared" not in best.values()


def names_of_the_best(found: Sequence[Seen]) -> str:
    means = {name: fmean(getattr(seen, name) for seen in found) for name in ("own", "shared", "baseline")}
    return min(means, key=means.__getitem__)
