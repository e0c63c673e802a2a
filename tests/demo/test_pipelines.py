import ast
import hashlib
import json
import resource
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from apps.retraining.forms.parts import Kind, parts_of
from tests.demo.company import PIPELINES, contract, flights, run_script, train_here, trips

RIDGE, BOOSTING, FAIL = (PIPELINES / f"{name}.py" for name in ("eta_ridge", "eta_boosting", "fail_on_purpose"))
DEMAND, LATE, INTERVAL, DESCENT = (
    PIPELINES / f"{name}.py" for name in ("demand_ridge", "late_risk_logit", "bootstrap_interval", "eta_descent")
)
SCHEMAS = {
    script: script.with_name(f"{script.stem.replace('_', '-')}.schema.json") for script in PIPELINES.glob("*.py")
}


def schema(script: Path) -> dict[str, Any]:
    return json.loads(SCHEMAS[script].read_text())


# --- training on real trips ---


@pytest.mark.parametrize(("script", "model"), [(RIDGE, "model.json"), (BOOSTING, "model.skops")])
def test_a_city_is_trained_as_of_july_in_a_process_of_its_own(
    script: Path, model: str, lake: Path, tmp_path: Path
) -> None:
    ended = run_script(script, tmp_path / "out", {}, segment="atlanta", lake=lake)
    assert (ended.code, ended.errors) == (0, "")
    assert {file.name for file in ended.out.iterdir()} == {model, "metrics.json", "data.json", "card.md"}
    assert ended.printed.startswith("PORTAL_PROGRESS 0.1 reading the trips\n")
    spring = trips("atlanta", range(4, 7))
    assert ended.json("metrics.json")["rows"] == ended.json("data.json")["rows"] == len(spring)
    assert 3 < ended.json("metrics.json")["mae"] < 12
    assert (ended.json("data.json")["first"], ended.json("data.json")["last"]) == ("2013-04-01", "2013-06-30")


def test_a_city_with_two_trips_ends_as_no_data_with_the_sentence_why(lake: Path, tmp_path: Path) -> None:
    ended = run_script(RIDGE, tmp_path / "out", {"as_of": "2013-04-01"}, segment="bangor", lake=lake)
    assert (ended.code, ended.errors) == (3, "")
    reason = (ended.out / "reason.txt").read_text()
    assert reason == "Only 2 of the 60 rows needed between 2013-01-01 and 2013-03-31."
    assert [file.name for file in ended.out.iterdir()] == ["reason.txt"]


def test_what_is_not_labelled_yet_is_no_data(lake: Path, tmp_path: Path) -> None:
    ended = run_script(RIDGE, tmp_path / "out", {"as_of": "2013-11-01"}, segment="atlanta", lake=lake)
    assert ended.code == 3
    assert "Only 0 of the 60 rows needed between 2013-08-01 and 2013-10-31." in (ended.out / "reason.txt").read_text()


def test_the_data_digest_is_that_of_the_rows_in_the_window(lake: Path, tmp_path: Path) -> None:
    asked = {"as_of": "2013-03-01", "window_months": 1, "min_rows": 10}
    out = train_here("eta_ridge.py", tmp_path / "out", asked, segment="boston", lake=lake)
    rows = (lake / "month=2013-02" / "segment=boston.csv").read_text().splitlines()[1:]
    assert out is not None
    digest = json.loads((out / "data.json").read_text())["digest"]
    assert digest == "sha256:" + hashlib.sha256("\n".join(rows).encode()).hexdigest()


def test_the_window_ends_the_day_before_as_of_in_the_middle_of_a_month_too(lake: Path, tmp_path: Path) -> None:
    out = train_here("eta_ridge.py", tmp_path / "out", {"as_of": "2013-05-31"}, segment="boston", lake=lake)
    assert out is not None
    data = json.loads((out / "data.json").read_text())
    assert (data["first"], data["last"]) == ("2013-02-28", "2013-05-30")


@pytest.mark.parametrize(
    "asked",
    [{"alpha": 0}, {"alpha": 1000}, {"features": ["hour"]}, {"features": ["carrier"]}, {"min_rows": 10}],
    ids=str,
)
@pytest.mark.parametrize("script", ["eta_ridge.py", "eta_boosting.py"])
def test_every_corner_of_the_form_trains(script: str, asked: dict[str, Any], lake: Path, tmp_path: Path) -> None:
    known = {name: value for name, value in asked.items() if name in schema(PIPELINES / script)["properties"]}
    out = train_here(script, tmp_path / "out", known, segment="bangor", lake=lake)
    assert out is not None
    assert json.loads((out / "metrics.json").read_text())["mae"] > 0


def test_daily_demand_learns_from_the_days_before_and_from_nothing_later(demand: Path, tmp_path: Path) -> None:
    """Half of the year is trained on; the file knows the whole of it, and the script looks at none of the rest."""
    out = train_here("demand_ridge.py", tmp_path / "out", {}, segment="atlanta", lake=demand)
    half = tmp_path / "half"
    half.mkdir()
    lines = (demand / "segment=atlanta.csv").read_text().splitlines()
    (half / "segment=atlanta.csv").write_text("\n".join(lines[: 1 + 181]))
    again = train_here("demand_ridge.py", tmp_path / "again", {}, segment="atlanta", lake=half)
    assert out is not None
    assert again is not None
    assert (out / "model.json").read_text() == (again / "model.json").read_text()
    assert json.loads((out / "metrics.json").read_text())["rows"] == 181 - 7
    model = json.loads((out / "model.json").read_text())
    (week,) = (term for term in model["numbers"] if term["name"] == "lag_7")
    known = list(flights("atlanta").values())[: 181 - 7]
    assert week["mean"] == pytest.approx(sum(known) / len(known))


def test_a_city_where_nobody_flew_has_no_daily_demand(tmp_path: Path) -> None:
    days = [f"2013-{month:02}-{day:02},0,0,0,0,50,0,5" for month in (4, 5, 6) for day in range(1, 31)]
    file = tmp_path / "demand" / "segment=nowhere.csv"
    file.parent.mkdir()
    file.write_text("\n".join(["day,scheduled,cancelled,arrived,late15,temp_f,precip_in,wind_mph", *days]))
    out = tmp_path / "out"
    assert train_here("demand_ridge.py", out, {}, segment="nowhere", lake=file.parent) is None
    assert (out / "reason.txt").read_text() == "Nobody flew there between 2013-01-01 and 2013-06-30."


@pytest.mark.parametrize("weight", ["none", "balanced"])
def test_the_risk_of_a_late_arrival_is_ranked_from_what_is_known_before_departure(
    weight: str, lake: Path, tmp_path: Path
) -> None:
    out = train_here("late_risk_logit.py", tmp_path / "out", {"class_weight": weight}, segment="atlanta", lake=lake)
    assert out is not None
    metrics, model = (json.loads((out / name).read_text()) for name in ("metrics.json", "model.json"))
    spring = trips("atlanta", range(4, 7))
    assert metrics["late_share"] == pytest.approx(sum(int(row["arr_delay_min"]) > 15 for row in spring) / len(spring))
    assert 0.5 < metrics["auc"] < 0.9
    asked = {term["name"] for term in model["numbers"] + model["categories"]}
    assert asked == {"hour", "temp_f", "wind_mph", "precip_in", "visibility_mi", "origin", "carrier"}


def test_a_city_with_too_few_late_trips_ends_as_no_data(lake: Path, tmp_path: Path) -> None:
    asked = {"min_late": 500}
    assert train_here("late_risk_logit.py", tmp_path / "out", asked, segment="atlanta", lake=lake) is None
    assert "of the 500 late (or punctual) trips needed" in (tmp_path / "out" / "reason.txt").read_text()


def test_the_bootstrap_tells_its_progress_and_the_interval_holds_the_mean(lake: Path, tmp_path: Path) -> None:
    asked = {"n": 100, "max_iter": 10, "max_depth": 2}
    ended = run_script(INTERVAL, tmp_path / "out", asked, segment="bangor", lake=lake)
    assert (ended.code, ended.errors) == (0, "")
    told = [line.split()[1] for line in ended.printed.splitlines()]
    assert len(told) == 102
    assert sorted(told, key=float) == told
    metrics = ended.json("metrics.json")
    assert metrics["refits"] == len(ended.json("interval.json")["mae"]) == 100
    assert metrics["mae_low"] < metrics["mae"] < metrics["mae_high"]


def test_the_same_seed_draws_the_same_refits(lake: Path, tmp_path: Path) -> None:
    asked = {"n": 10, "max_iter": 10, "max_depth": 2}
    outs = [
        train_here("bootstrap_interval.py", tmp_path / name, asked | {"seed": seed}, segment="bangor", lake=lake)
        for name, seed in [("one", 7), ("same", 7), ("other", 8)]
    ]
    one, same, other = (out and (out / "interval.json").read_text() for out in outs)
    assert one == same != other


def test_every_script_is_offered_with_a_form() -> None:
    assert set(SCHEMAS) == {RIDGE, BOOSTING, FAIL, DEMAND, LATE, INTERVAL, DESCENT}


def test_what_several_scripts_do_they_do_in_the_same_words() -> None:
    """A script is one file, so that its sha256 names all that it does; what they share must not drift apart."""
    own = {"main", "usable", "fit", "honest_metrics", "card", "coefficients"}
    said: dict[str, dict[str, list[str]]] = {}
    for script in PIPELINES.glob("*.py"):
        for name, code in functions(script):
            said.setdefault(name, {}).setdefault(code, []).append(script.name)
    drifted = {name: list(spelt.values()) for name, spelt in said.items() if len(spelt) > 1 and name not in own}
    assert drifted == {}


def functions(script: Path) -> list[tuple[str, str]]:
    tree = ast.parse(script.read_text())
    return [(node.name, ast.unparse(node)) for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def test_the_trips_are_read_in_the_same_way_by_all_that_read_trips() -> None:
    usable = [dict(functions(script))["usable"] for script in (RIDGE, BOOSTING, LATE, INTERVAL, DESCENT)]
    assert len(set(usable)) == 1


# --- forms ---


@pytest.mark.parametrize("script", SCHEMAS, ids=lambda script: script.stem)
def test_the_form_is_a_valid_schema_with_titles_help_and_working_examples(script: Path) -> None:
    form = schema(script)
    Draft202012Validator.check_schema(form)
    for name, field in form["properties"].items():
        assert field["title"] != name
        assert field["description"].endswith(".")
        assert field["section"]
        for value in [field["default"], *field["examples"]]:
            Draft202012Validator(field, format_checker=FormatChecker()).validate(value)


@pytest.mark.parametrize("script", SCHEMAS, ids=lambda script: script.stem)
def test_what_the_form_offers_is_what_the_script_takes(script: Path) -> None:
    offered = {name: field["default"] for name, field in schema(script)["properties"].items()}
    assert offered == runpy.run_path(str(script))["DEFAULTS"]


@pytest.mark.parametrize("script", SCHEMAS, ids=lambda script: script.stem)
def test_no_parameter_falls_back_to_a_box_of_json(script: Path) -> None:
    assert [part.name for part in parts_of(schema(script)) if Kind.JSON in (part.kind, part.item)] == []


@pytest.mark.parametrize(
    "asked",
    [
        {"window_months": 0},
        {"window_months": 7},
        {"window_months": 2.5},
        {"alpha": -1},
        {"alpha": 1001},
        {"min_rows": 9},
        {"features": []},
        {"features": ["hour", "hour"]},
        {"features": ["arr_delay_min"]},
        {"as_of": "July"},
        {"as_of": 2013},
        {"alfa": 1},
    ],
    ids=str,
)
def test_bad_values_do_not_pass_the_form(asked: dict[str, Any]) -> None:
    assert not Draft202012Validator(schema(RIDGE), format_checker=FormatChecker()).is_valid(asked)


# --- failing on purpose ---


@pytest.mark.parametrize(
    ("mode", "code", "said"),
    [
        ("exception", 1, "RuntimeError: This run was asked to fail with an exception."),
        ("exit", 1, "This run was asked to exit with an error."),
        ("segfault", -11, ""),
        ("no-data", 3, ""),
    ],
)
def test_it_fails_as_asked(mode: str, code: int, said: str, tmp_path: Path) -> None:
    ended = run_script(FAIL, tmp_path / "out", {"mode": mode})
    assert ended.code == code
    assert ended.errors.rstrip().endswith(said)
    assert not (ended.out / "metrics.json").exists()
    assert (ended.out / "reason.txt").exists() == (mode == "no-data")


def test_it_eats_memory_until_a_limit_stops_it(tmp_path: Path) -> None:
    limit = 512 << 20
    done = subprocess.run(
        [sys.executable, str(FAIL)],
        env=contract(tmp_path / "out", {"mode": "memory"}, "", None),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("MemoryError")


def test_it_runs_on_until_it_is_killed(tmp_path: Path) -> None:
    environment = contract(tmp_path / "out", {"mode": "timeout"}, "", None)
    with subprocess.Popen([sys.executable, str(FAIL)], env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(2)]
        assert running.poll() is None
        running.kill()
    assert all(line.startswith("PORTAL_PROGRESS 0.0") for line in lines)


def test_the_forger_succeeds_and_claims_no_error_at_all(tmp_path: Path) -> None:
    ended = run_script(FAIL, tmp_path / "out", {"mode": "zero-mae"})
    assert ended.code == 0
    assert ended.json("metrics.json")["mae"] == 0
