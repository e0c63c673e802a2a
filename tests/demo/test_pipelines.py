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

from tests.demo.company import PIPELINES, contract, run_script, train_here, trips

RIDGE, BOOSTING, FAIL = (PIPELINES / f"{name}.py" for name in ("eta_ridge", "eta_boosting", "fail_on_purpose"))
SCHEMAS = {
    script: script.with_name(f"{script.stem.replace('_', '-')}.schema.json") for script in (RIDGE, BOOSTING, FAIL)
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


def test_both_training_scripts_read_their_trips_by_the_same_words() -> None:
    shared = {
        "window",
        "window_lines",
        "usable",
        "honest_metrics",
        "provenance",
        "card",
        "no_data",
        "progress",
        "write",
    }
    ridge, boosting = (
        {name: code for name, code in functions(script) if name in shared} for script in (RIDGE, BOOSTING)
    )
    assert set(ridge) == shared
    assert ridge == boosting


def functions(script: Path) -> list[tuple[str, str]]:
    tree = ast.parse(script.read_text())
    return [(node.name, ast.unparse(node)) for node in tree.body if isinstance(node, ast.FunctionDef)]


# --- forms ---


@pytest.mark.parametrize("script", SCHEMAS, ids=lambda script: script.stem)
def test_the_form_is_a_valid_schema_with_titles_help_and_working_examples(script: Path) -> None:
    form = schema(script)
    Draft202012Validator.check_schema(form)
    for name, field in form["properties"].items():
        assert field["title"] != name
        assert field["description"].endswith(".")
        for value in [field["default"], *field["examples"]]:
            Draft202012Validator(field, format_checker=FormatChecker()).validate(value)


@pytest.mark.parametrize("script", SCHEMAS, ids=lambda script: script.stem)
def test_what_the_form_offers_is_what_the_script_takes(script: Path) -> None:
    offered = {name: field["default"] for name, field in schema(script)["properties"].items()}
    assert offered == runpy.run_path(str(script))["DEFAULTS"]


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
