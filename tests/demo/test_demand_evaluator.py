import json
import statistics
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.demo.company import EVALUATORS, flights, inputs, of_day, run_script, train_here

EVALUATOR = EVALUATORS / "demand_evaluator.py"
AUTUMN = {"first": "2013-10-01", "last": "2013-12-30"}
MODELS: dict[str, dict[str, Any]] = {
    "forty": {"format": "linear/1", "intercept": 40.0, "numbers": [], "categories": []},
    "less-than-none": {"format": "linear/1", "intercept": -5.0, "numbers": [], "categories": []},
    "peeks": {"format": "linear/1", "intercept": 0, "numbers": [{"name": "scheduled"}], "categories": []},
    "as-last-week": {
        "format": "linear/1",
        "intercept": 0,
        "numbers": [{"name": "lag_7", "mean": 0, "scale": 1, "coefficient": 1}],
        "categories": [],
    },
    "on-sundays": {
        "format": "linear/1",
        "intercept": 0,
        "numbers": [],
        "categories": [{"name": "weekday", "coefficients": {"Sunday": 30.0}}],
    },
}
BASELINES = ["same-weekday-last-week", "yesterday", "the-moon"]


@pytest.fixture(scope="module")
def autumn(demand: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Models of Atlanta over the last three months, a trained one among them."""
    folder = tmp_path_factory.mktemp("autumn")
    asked = {"as_of": "2013-10-01", "window_months": 9}
    trained = train_here("demand_ridge.py", folder / "trained", asked, segment="atlanta", lake=demand)
    assert trained is not None
    models = {name: json.dumps(model) for name, model in MODELS.items()}
    return evaluated(folder, demand, AUTUMN, models | {"trained": (trained / "model.json").read_text()})


def evaluated(folder: Path, demand: Path, window: dict[str, str], models: dict[str, str]) -> dict[str, Any]:
    out = folder / "out"
    inputs(out).mkdir(parents=True)
    files = {name: {"model.json": name} for name in models} | {name: {"baseline.json": name} for name in BASELINES}
    for name, text in (models | {name: json.dumps({"baseline": name}) for name in BASELINES}).items():
        (inputs(out) / name).write_text(text)
    asked = [
        {"id": name, "segment": "atlanta", "candidate": {"files": one}, "champion": {"files": files["yesterday"]}}
        for name, one in files.items()
    ]
    ended = run_script(EVALUATOR, out, {"window": window, "comparisons": asked}, lake=demand)
    assert (ended.code, ended.errors) == (0, "")
    answers: dict[str, Any] = ended.json("evaluations.json")
    return answers


def autumn_days() -> list[tuple[date, int]]:
    known = flights("atlanta")
    days = [date(2013, 10, 1) + timedelta(days=n) for n in range(91)]
    return [(day, known[str(day)]) for day in days]


def test_the_metric_is_all_missed_flights_as_a_share_of_all_flights(autumn: dict[str, Any]) -> None:
    actual = [count for _, count in autumn_days()]
    expected = sum(abs(40 - count) for count in actual) / sum(actual)
    assert autumn["forty"]["metric"]["candidate"] == pytest.approx(expected)


def test_the_baseline_is_the_same_weekday_last_week_whoever_says_so(autumn: dict[str, Any]) -> None:
    known = flights("atlanta")
    missed = sum(abs(known[str(day - timedelta(days=7))] - count) for day, count in autumn_days())
    expected = missed / sum(count for _, count in autumn_days())
    for name in ("same-weekday-last-week", "as-last-week"):
        assert autumn[name]["metric"]["candidate"] == pytest.approx(expected)
    (said,) = {answer["metric"]["same-weekday-last-week"] for answer in autumn.values() if not answer["error"]}
    assert said == pytest.approx(expected)


def test_fewer_than_no_flights_are_none(autumn: dict[str, Any]) -> None:
    assert autumn["less-than-none"]["metric"]["candidate"] == pytest.approx(1.0)


def test_weekdays_are_read_by_their_names(autumn: dict[str, Any]) -> None:
    missed = sum(abs((30 if day.weekday() == 6 else 0) - count) for day, count in autumn_days())
    expected = missed / sum(count for _, count in autumn_days())
    assert autumn["on-sundays"]["metric"]["candidate"] == pytest.approx(expected)


def test_every_day_keeps_its_score_and_their_mean_is_the_metric(autumn: dict[str, Any]) -> None:
    answer = autumn["trained"]
    assert (answer["rows"], len(answer["daily"])) == (91, 91)
    for role, metric in answer["metric"].items():
        assert statistics.mean(of_day(day, role) for day in answer["daily"]) == pytest.approx(metric)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("peeks", "it asks for scheduled, which is not among the inputs known beforehand."),
        ("the-moon", "there is no baseline 'the-moon'; this evaluator knows same-weekday-last-week, yesterday."),
    ],
)
def test_what_is_not_believed_gets_its_sentence(autumn: dict[str, Any], model: str, sentence: str) -> None:
    assert autumn[model]["error"] == f"The candidate could not be scored: {sentence}"


def test_days_whose_own_past_is_not_known_are_left_out_for_all(demand: Path, tmp_path: Path) -> None:
    january = {"first": "2013-01-01", "last": "2013-01-31"}
    answer = evaluated(tmp_path, demand, january, {"forty": json.dumps(MODELS["forty"])})["forty"]
    assert [day["day"] for day in answer["daily"]] == ["2013-01-29", "2013-01-30", "2013-01-31"]
