import json
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.demo.company import EVALUATORS, evaluator_module, inputs, of_day, run_script, train_here, trips

EVALUATOR = EVALUATORS / "late_evaluator.py"
JULY = {"first": "2013-07-01", "last": "2013-07-31"}


def logistic(**changes: Any) -> str:
    return json.dumps({"format": "logistic/1", "intercept": -1.0, "numbers": [], "categories": []} | changes)


def term(name: str, coefficient: float) -> dict[str, Any]:
    return {"name": name, "mean": 0, "scale": 1, "coefficient": coefficient}


MODELS = {
    "by-hour": logistic(numbers=[term("hour", 1.0)]),
    "backwards": logistic(numbers=[term("hour", -1.0)]),
    "always-the-same": logistic(),
    "peeks": logistic(numbers=[term("arr_delay_min", 1.0)]),
    "knows-the-departure": logistic(numbers=[term("dep_delay_min", 1.0)]),
    "trees": logistic(format="tree/1"),
}


@pytest.fixture(scope="module")
def july(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Models of Atlanta in July, each against the one that goes by the hour."""
    folder = tmp_path_factory.mktemp("late")
    trained = train_here("late_risk_logit.py", folder / "trained", {}, segment="atlanta", lake=lake)
    assert trained is not None
    out = folder / "out"
    inputs(out).mkdir()
    for name, text in (MODELS | {"trained": (trained / "model.json").read_text()}).items():
        (inputs(out) / name).write_text(text)
    (inputs(out) / "baseline").write_text(json.dumps({"baseline": "usual-share-of-the-hour"}))
    asked = [compared(name) for name in [*MODELS, "trained"]]
    asked += [compared("baseline", file="baseline.json"), compared("by-hour", segment="atlantis")]
    ended = run_script(EVALUATOR, out, {"window": JULY, "comparisons": asked}, lake=lake)
    assert (ended.code, ended.errors) == (0, "")
    answers: dict[str, Any] = ended.json("evaluations.json")
    return answers


def compared(name: str, *, file: str = "model.json", segment: str = "atlanta") -> dict[str, Any]:
    by_hour = {"files": {"model.json": "by-hour"}}
    identity = name if segment == "atlanta" else segment
    return {"id": identity, "segment": segment, "candidate": {"files": {file: name}}, "champion": by_hour}


def late_and_punctual(column: str) -> tuple[list[float], list[float]]:
    """The column of Atlanta's late trips in July, and of the others."""
    rows = trips("atlanta", range(7, 8))
    late = [float(row[column]) for row in rows if int(row["arr_delay_min"]) > 15]
    return late, [float(row[column]) for row in rows if int(row["arr_delay_min"]) <= 15]


def above(late: float, punctual: float) -> float:
    return 1.0 if late > punctual else 0.5 if late == punctual else 0.0


def test_the_metric_is_how_often_a_late_trip_had_the_higher_risk(july: dict[str, Any]) -> None:
    late, punctual = late_and_punctual("hour")
    expected = statistics.mean(above(one, other) for one in late for other in punctual)
    assert july["by-hour"]["metric"]["candidate"] == pytest.approx(expected)
    assert july["backwards"]["metric"]["candidate"] == pytest.approx(1 - expected)


def test_who_gives_every_trip_the_same_risk_tells_nothing_apart(july: dict[str, Any]) -> None:
    assert july["always-the-same"]["metric"]["candidate"] == 0.5


def test_a_trained_model_and_the_baseline_rank_better_than_chance(july: dict[str, Any]) -> None:
    assert 0.55 < july["trained"]["metric"]["candidate"] < 0.95
    assert july["baseline"]["metric"]["candidate"] == july["trained"]["metric"]["usual-share-of-the-hour"] > 0.5


def test_the_scores_by_day_add_up_to_the_metric(july: dict[str, Any]) -> None:
    answer = july["trained"]
    assert answer["rows"] == len(trips("atlanta", range(7, 8))) == sum(day["rows"] for day in answer["daily"])
    for role, metric in answer["metric"].items():
        assert sum(of_day(day, role) for day in answer["daily"]) / answer["rows"] == pytest.approx(metric)


def test_the_scores_vary_as_delong_says_that_auc_does() -> None:
    """DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), written out here from their equations."""
    late, punctual = late_and_punctual("hour")
    by_late = [statistics.mean(above(one, other) for other in punctual) for one in late]
    by_punctual = [statistics.mean(above(one, other) for one in late) for other in punctual]
    delong = math.sqrt(statistics.pvariance(by_late) / len(late) + statistics.pvariance(by_punctual) / len(punctual))
    placements = evaluator_module(EVALUATOR)["placements"]
    risk, is_late = np.array(late + punctual), np.array([True] * len(late) + [False] * len(punctual))
    scores = placements(risk, is_late)
    assert math.sqrt(scores.var() / len(scores)) == pytest.approx(delong)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("peeks", "it asks for arr_delay_min, which is not among the inputs known beforehand."),
        ("knows-the-departure", "it asks for dep_delay_min, which is not among the inputs known beforehand."),
        ("trees", "its format is 'tree/1'; the formats in JSON are linear/1, logistic/1."),
    ],
)
def test_what_is_not_believed_gets_its_sentence(july: dict[str, Any], model: str, sentence: str) -> None:
    assert july[model]["error"] == f"The candidate could not be scored: {sentence}"


def test_a_city_without_labelled_trips_is_said_so(july: dict[str, Any]) -> None:
    assert july["atlantis"]["error"] == "There is no labelled row of atlantis between 2013-07-01 and 2013-07-31."


def test_where_nobody_was_late_there_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    header = "day,hour,origin,carrier,distance_mi,dep_delay_min,temp_f,wind_mph,precip_in,visibility_mi"
    file = tmp_path / "lake" / "month=2013-07" / "segment=nowhere.csv"
    file.parent.mkdir(parents=True)
    days = [f"2013-07-{day:02},9,JFK,DL,700,0,70,5,0,10,90,-3" for day in range(1, 31)]
    file.write_text("\n".join([f"{header},air_time_min,arr_delay_min", *days]))
    out = tmp_path / "out"
    inputs(out).mkdir()
    (inputs(out) / "by-hour").write_text(MODELS["by-hour"])
    asked = [compared("by-hour", segment="nowhere")]
    ended = run_script(EVALUATOR, out, {"window": JULY, "comparisons": asked}, lake=tmp_path / "lake")
    sentence = ended.json("evaluations.json")["nowhere"]["error"]
    assert sentence == "The trips of nowhere were all late or all punctual: there is nothing to tell apart."
