"""The demo's scripts as the portal starts them: real processes, real trips, nothing but files and variables."""

import csv
import gzip
import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from apps.registry.answers import Numbers
from apps.registry.evaluators import TOOLS
from apps.registry.gates import Against, Compared, Facts, GateSpec, Trained, judge

DEMO = Path(__file__).parents[2] / "apps" / "demo"
PIPELINES = DEMO / "pipelines"
EVALUATORS = DEMO / "evaluators"
EVALUATOR = EVALUATORS / "eta_evaluator.py"


@dataclass(frozen=True)
class Ended:
    code: int
    out: Path
    printed: str
    errors: str

    def json(self, name: str) -> Any:
        return json.loads((self.out / name).read_text())


def run_script(
    script: Path, folder: Path, params: Mapping[str, Any], *, segment: str = "", lake: Path | None = None
) -> Ended:
    """One process under the script contract; `folder` must not exist yet, files to read lie in `folder`-in."""
    environment = contract(folder, params, segment, lake)
    hand_over_tools(inputs(folder))
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False)
    return Ended(done.returncode, folder, done.stdout, done.stderr)


def contract(folder: Path, params: Mapping[str, Any], segment: str, lake: Path | None) -> dict[str, str]:
    folder.mkdir(parents=True)
    asked = folder.with_name(f"{folder.name}-params.json")
    asked.write_text(json.dumps(params))
    return {
        "PATH": os.environ["PATH"],
        "PORTAL_PARAMS": str(asked),
        "PORTAL_OUT": str(folder),
        "PORTAL_DATA": str(lake),
        "PORTAL_SEGMENT": segment,
        "PORTAL_INPUTS": str(inputs(folder)),
    }


def hand_over_tools(folder: Path) -> None:
    """What the portal puts beside the models of an evaluation."""
    folder.mkdir(exist_ok=True)
    for tool in TOOLS:
        shutil.copyfile(tool, folder / tool.name)


def evaluator_module(script: Path) -> dict[str, Any]:
    """What an evaluator defines, without running it."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        hand_over_tools(Path(folder))
        patch.setenv("PORTAL_INPUTS", folder)
        patch.setattr(sys, "path", list(sys.path))
        return runpy.run_path(str(script))


def inputs(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-in")


def train_here(script: str, folder: Path, params: Mapping[str, Any], *, segment: str, lake: Path) -> Path | None:
    """The same in this process, as the forking runner does after one import: 160 trainings in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in contract(folder, params, segment, lake).items():
            patch.setenv(name, value)
        try:
            runpy.run_path(str(PIPELINES / script), run_name="__main__")
        except SystemExit as ended:
            return None if ended.code == 3 else pytest.fail(f"{script} ended with {ended.code}")
    return folder


def of_day(day: Mapping[str, Any], role: str) -> Any:
    """A day's sum of a model, or of a baseline by its name."""
    return day[role] if role in day else day["baselines"][role]


def trips(slug: str, months: range) -> list[dict[str, str]]:
    """The trips with every value, straight out of the shipped file: what the scripts' figures are checked against."""
    rows = [row for row in shipped("eta_by_city", slug) if int(row["month"]) in months]
    return [row for row in rows if all(row.values())]


def flights(slug: str) -> dict[str, int]:
    """How many were scheduled on each day of the year, straight out of the shipped file."""
    return {row["date"]: int(row["scheduled"]) for row in shipped("demand_by_city_daily", slug)}


def shipped(name: str, slug: str) -> list[dict[str, str]]:
    with (DEMO / "data" / "eta_segments.csv").open() as lines:
        airport = next(row["segment"] for row in csv.DictReader(lines) if row["slug"] == slug)
    with gzip.open(DEMO / "data" / f"{name}.csv.gz", "rt") as lines:
        return [row for row in csv.DictReader(lines) if row["segment"] == airport]


def verdicts(
    found: Numbers, gates: Sequence[GateSpec], *, window: Mapping[str, str], candidate: Trained, champion: Trained
) -> dict[str, str]:
    """What the demo's gates say about a city, by gate."""
    compared = Compared(
        first=date.fromisoformat(window["first"]),
        last=date.fromisoformat(window["last"]),
        rows=found.rows,
        days=found.days,
        difference=found.difference,
        lower=found.lower,
        upper=found.upper,
        metric=found.candidate_metric,
        baselines={name: Against(**numbers) for name, numbers in found.baselines.items()},  # type: ignore[arg-type]
    )
    facts = Facts(candidate=candidate, champion=champion, compared=compared, baselines=tuple(found.baselines)[:1])
    return {verdict.kind: verdict.outcome for verdict in judge(facts, gates)}
