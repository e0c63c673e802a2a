import hashlib
import json
import statistics
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

from apps.demo.lake import COLUMNS
from tests.demo.company import EVALUATOR, inputs, of_day, run_script, train_here, trips

JULY = {"first": "2013-07-01", "last": "2013-07-31"}
BASELINE = "median-of-3-months"


def linear(**changes: Any) -> dict[str, Any]:
    return {"format": "linear/1", "intercept": 110.0, "numbers": [], "categories": []} | changes


def term(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "mean": 0.0, "scale": 1.0, "coefficient": 1.0} | changes


MODELS = {
    "constant": linear(),
    "peeks-at-the-answer": linear(intercept=0.0, numbers=[term("air_time_min")]),
    "peeks-at-the-landing": linear(numbers=[term("arr_delay_min")]),
    "not-a-number": linear(intercept=float("nan")),
    "infinite": linear(numbers=[term("hour", scale=0.0)]),
    "huge": linear(intercept=1e308),
    "words-for-numbers": linear(intercept="many"),
    "another-format": linear(format="linear/2"),
    "half-a-file": linear(),
    "never-saw-these-carriers": linear(categories=[{"name": "carrier", "coefficients": {"ZZ": 50.0}}]),
    "knows-delta": linear(categories=[{"name": "carrier", "coefficients": {"DL": 50.0}}]),
}


@pytest.fixture(scope="module")
def evaluations(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Real models of Atlanta, a forged one and a dozen broken ones: all scored by one process in one go."""
    out = tmp_path_factory.mktemp("evaluations") / "out"
    inputs(out).mkdir()
    write_models(inputs(out))
    (inputs(out) / "baseline").write_text(json.dumps({"baseline": "median-of-3-months"}))
    train_models(inputs(out), lake)
    asked = comparisons()
    ended = run_script(EVALUATOR, out, {"window": JULY, "comparisons": asked}, lake=lake)
    assert (ended.code, ended.errors) == (0, "")
    assert ended.json("metrics.json") == {"comparisons": len(asked)}
    results: dict[str, Any] = ended.json("evaluations.json")
    assert set(results) == {comparison["id"] for comparison in asked}
    return results


def write_models(files: Path) -> None:
    for name, model in MODELS.items():
        (files / name).write_text(json.dumps(model))
    (files / "half-a-file").write_text(json.dumps(linear())[:40])
    skops.io.dump(FunctionTransformer(partial(Path.unlink, missing_ok=True)), files / "untrusted")
    skops.io.dump(Ridge().fit(np.ones((3, 2)), np.ones(3)), files / "without-names")


def train_models(files: Path, lake: Path) -> None:
    for name, script, params in [
        ("spring", "eta_ridge.py", {"as_of": "2013-07-01"}),
        ("winter", "eta_ridge.py", {"as_of": "2013-04-01"}),
        ("trees", "eta_boosting.py", {"as_of": "2013-07-01"}),
        ("forged", "fail_on_purpose.py", {"mode": "zero-mae"}),
    ]:
        out = train_here(script, files / f"{name}-out", params, segment="atlanta", lake=lake)
        assert out is not None
        next(out.glob("model.*")).rename(files / name)


def comparisons() -> list[dict[str, Any]]:
    return [
        *(compared(name) for name in ["spring", "forged", *MODELS]),
        *(compared(name, file="model.skops") for name in ["trees", "untrusted", "without-names"]),
        compared("spring", champion=None, name="first-ever"),
        compared("baseline", file="baseline.json"),
        compared("spring", champion="half-a-file", name="broken-champion"),
        compared("spring", segment="atlantis", name="nowhere"),
        compared("not-there", name="missing-file"),
        compared("spring", file="model.pkl", name="pickle"),
    ]


def compared(
    candidate: str,
    *,
    champion: str | None = "winter",
    file: str = "model.json",
    segment: str = "atlanta",
    name: str = "",
) -> dict[str, Any]:
    return {
        "id": name or candidate,
        "segment": segment,
        "candidate": {"files": {file: candidate}},
        "champion": {"files": {"model.json": champion}} if champion else None,
    }


# --- figures ---


def test_the_july_retrain_beats_the_champion_of_march_in_atlanta(evaluations: dict[str, Any]) -> None:
    metric = evaluations["spring"]["metric"]
    assert metric["candidate"] < 7 < 8.5 < metric["champion"]


def test_the_candidate_s_figure_is_what_its_coefficients_give_by_hand(
    evaluations: dict[str, Any],
) -> None:
    rows = trips("atlanta", range(7, 8))
    expected = statistics.mean(abs(110 + 50 * (row["carrier"] == "DL") - int(row["air_time_min"])) for row in rows)
    assert evaluations["knows-delta"]["metric"]["candidate"] == pytest.approx(expected)


def test_the_baseline_is_the_plain_median_of_the_three_months_before(evaluations: dict[str, Any]) -> None:
    usual = statistics.median(int(row["air_time_min"]) for row in trips("atlanta", range(4, 7)))
    expected = statistics.mean(abs(usual - int(row["air_time_min"])) for row in trips("atlanta", range(7, 8)))
    assert evaluations["spring"]["metric"][BASELINE] == pytest.approx(expected)


def test_the_baseline_can_be_a_version_itself(evaluations: dict[str, Any]) -> None:
    metric = evaluations["baseline"]["metric"]
    assert metric["candidate"] == metric[BASELINE] == evaluations["spring"]["metric"][BASELINE]


def test_the_baseline_sees_nothing_of_the_window_itself(tmp_path: Path) -> None:
    """A place where June's only trip took 100 minutes and each of July's took 150."""
    for month, days, minutes in [("2013-06", ["30"], 100), ("2013-07", ["01"] * 9, 150)]:
        file = tmp_path / "lake" / f"month={month}" / "segment=nowhere.csv"
        file.parent.mkdir(parents=True)
        trips = [f"{month}-{day},9,JFK,DL,700,0,70,5,0,10,{minutes},0" for day in days]
        file.write_text("\n".join([",".join(COLUMNS), *trips, ""]))
    out = tmp_path / "out"
    inputs(out).mkdir()
    (inputs(out) / "constant").write_text(json.dumps(linear(intercept=149.0)))
    asked = [compared("constant", champion=None, segment="nowhere")]
    ended = run_script(EVALUATOR, out, {"window": JULY, "comparisons": asked}, lake=tmp_path / "lake")
    metric = ended.json("evaluations.json")["constant"]["metric"]
    assert metric == {"candidate": 1.0, "champion": None, BASELINE: 50.0}


def test_every_day_keeps_its_sums_so_that_the_bound_can_be_computed_again(evaluations: dict[str, Any]) -> None:
    result = evaluations["spring"]
    rows = Counter(f"2013-07-{int(row['day']):02}" for row in trips("atlanta", range(7, 8)))
    assert {day["day"]: day["rows"] for day in result["daily"]} == rows
    assert (result["rows"], len(result["daily"])) == (rows.total(), len(rows))
    for role, metric in result["metric"].items():
        assert sum(of_day(day, role) for day in result["daily"]) / result["rows"] == pytest.approx(metric)


def test_all_models_of_a_city_are_scored_on_the_same_rows(evaluations: dict[str, Any], lake: Path) -> None:
    rows = (lake / "month=2013-07" / "segment=atlanta.csv").read_text().splitlines()[1:]
    digest = "sha256:" + hashlib.sha256("\n".join(rows).encode()).hexdigest()
    scored = [result for result in evaluations.values() if result["error"] is None]
    assert {(result["data_digest"], result["rows"]) for result in scored} == {(digest, evaluations["spring"]["rows"])}
    assert len({(result["metric"][BASELINE]) for result in scored}) == 1


def test_boosted_trees_are_read_from_skops_with_a_list_of_trusted_types(evaluations: dict[str, Any]) -> None:
    assert evaluations["trees"]["error"] is None
    assert 3 < evaluations["trees"]["metric"]["candidate"] < 9


def test_the_first_model_of_a_city_is_compared_with_the_baseline_alone(evaluations: dict[str, Any]) -> None:
    first = evaluations["first-ever"]
    assert first["error"] is None
    assert first["metric"]["champion"] is None
    assert {day["champion"] for day in first["daily"]} == {None}
    assert first["metric"]["candidate"] == evaluations["spring"]["metric"]["candidate"]


def test_a_carrier_that_training_never_saw_adds_nothing(evaluations: dict[str, Any]) -> None:
    assert evaluations["never-saw-these-carriers"]["metric"] == evaluations["constant"]["metric"]


# --- models that are not believed ---


def test_the_forger_s_claim_is_not_even_read_and_its_model_is_far_worse(evaluations: dict[str, Any]) -> None:
    metric = evaluations["forged"]["metric"]
    minutes = [int(row["air_time_min"]) for row in trips("atlanta", range(7, 8))]
    assert metric["candidate"] == pytest.approx(statistics.mean(minutes))
    assert metric["candidate"] > 10 * metric["champion"]


@pytest.mark.parametrize(
    ("comparison", "sentence"),
    [
        ("peeks-at-the-answer", "it asks for air_time_min, which is not among the inputs known beforehand."),
        ("peeks-at-the-landing", "it asks for arr_delay_min, which is not among the inputs known beforehand."),
        ("not-a-number", "it does not predict one finite number for each row."),
        ("infinite", "it does not predict one finite number for each row."),
        ("huge", "it does not predict one finite number for each row."),
        ("words-for-numbers", "its file is broken (ValueError)."),
        ("half-a-file", "its file is broken (JSONDecodeError)."),
        ("missing-file", "its file is broken (FileNotFoundError)."),
        ("another-format", "its format is 'linear/2'; the formats in JSON are linear/1, logistic/1."),
        (
            "pickle",
            "it is a pickle, which runs code when it is loaded, so nobody loads it here; save it as model.json, "
            "model.skops, model.onnx.",
        ),
        ("untrusted", "model.skops holds types that are not on the evaluator's list."),
        ("without-names", "model.skops was fitted without names of its columns; fit it on a table that has them."),
    ],
)
def test_a_broken_model_gets_its_own_sentence_and_stops_no_other(
    evaluations: dict[str, Any], comparison: str, sentence: str
) -> None:
    assert evaluations[comparison] == {"error": f"The candidate could not be scored: {sentence}"}


def test_a_broken_champion_is_named_as_such(evaluations: dict[str, Any]) -> None:
    assert evaluations["broken-champion"]["error"].startswith("The champion could not be scored: its file is broken")


def test_a_city_without_labelled_trips_is_said_so(evaluations: dict[str, Any]) -> None:
    sentence = "There is no labelled row of atlantis between 2013-07-01 and 2013-07-31."
    assert evaluations["nowhere"]["error"] == sentence
