"""Daily demand on real flights: a ridge regression in 81 cities, and hardly any is better than last week."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from django.conf import settings

from apps.demo.lake import destinations
from apps.demo.seeding.demand import BASELINE, GATES
from apps.registry.answers import Numbers, numbers_of
from apps.registry.evaluators import evaluator
from apps.registry.gates import Trained
from tests.demo.company import EVALUATORS, evaluator_module, inputs, run_script, train_here, verdicts

AUTUMN = {"first": "2013-10-01", "last": "2013-12-31"}
ASKED = {"as_of": "2013-10-01", "window_months": 9}
EVALUATOR = EVALUATORS / "demand_evaluator.py"


@pytest.fixture(scope="module")
def autumn(demand: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Numbers]:
    """All cities trained until September and measured from October to December, against last week as champion."""
    folder = tmp_path_factory.mktemp("autumn")
    out = folder / "out"
    inputs(out).mkdir()
    (inputs(out) / "last-week").write_text(json.dumps({"baseline": BASELINE}))
    for place in destinations():
        made = train_here("demand_ridge.py", folder / place.slug, ASKED, segment=place.slug, lake=demand)
        assert made is not None
        (made / "model.json").rename(inputs(out) / place.slug)
    asked = {"window": AUTUMN, "comparisons": [compared(place.slug) for place in destinations()]}
    ended = run_script(EVALUATOR, out, asked, lake=demand)
    assert (ended.code, ended.errors) == (0, "")
    return {slug: measured(answer) for slug, answer in ended.json("evaluations.json").items()}


def compared(slug: str) -> dict[str, Any]:
    last_week = {"files": {"baseline.json": "last-week"}}
    return {"id": slug, "segment": slug, "candidate": {"files": {"model.json": slug}}, "champion": last_week}


def measured(answer: object) -> Numbers:
    return numbers_of(answer, against=True, direction="lower", baselines=evaluator("demand").baselines)


def said(found: Numbers) -> dict[str, str]:
    """By gate."""
    last_week = Trained("v1", None, untrained=True)
    return verdicts(found, GATES, window=AUTUMN, candidate=Trained("v2", date(2013, 9, 30)), champion=last_week)


def test_the_errors_are_eleven_percent_against_nine_of_last_week(autumn: dict[str, Numbers]) -> None:
    assert len(autumn) == 81
    assert mean(found.candidate_metric for found in autumn.values()) == pytest.approx(0.111, abs=0.003)
    assert mean(found.baseline_metric or 0 for found in autumn.values()) == pytest.approx(0.093, abs=0.003)


def test_most_cities_fail_the_baseline_gate(autumn: dict[str, Numbers]) -> None:
    outcomes = Counter(said(found)["baseline"] for found in autumn.values())
    assert 55 <= outcomes["fail"] <= 65
    assert outcomes["fail"] + outcomes["pass"] == 81


def test_hardly_any_city_may_take_the_place_of_last_week(autumn: dict[str, Numbers]) -> None:
    eligible = [slug for slug, found in autumn.items() if set(said(found).values()) == {"pass"}]
    assert 1 <= len(eligible) <= 12


@pytest.mark.parametrize("name", settings.EVALUATORS)
def test_the_settings_name_the_baselines_that_the_evaluator_knows(name: str) -> None:
    tool = evaluator(name)
    assert list(tool.baselines) == list(evaluator_module(tool.script)["BASELINES"])
