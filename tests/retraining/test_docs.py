"""docs/pipelines.md does what it says: its script runs, its file is taken, its table has every setting."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Pipeline
from apps.retraining.shape import DEFAULTS, DEFINITION

pytestmark = pytest.mark.django_db
PAGE = (Path(__file__).parents[2] / "docs" / "pipelines.md").read_text(encoding="utf-8")
NO_DATA = 3


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    assert found
    return found[1]


def test_the_file_of_the_page_is_taken(admin: User, family: ModelFamily, pipelines_folder: Path) -> None:
    (pipelines_folder / "eta_mean.py").write_text(block("python"))
    assert [one.outcome for one in actions.push_pipelines(actor=admin, text=block("yaml"))] == ["new"]
    assert Pipeline.objects.get().presets == {"Robust": {"statistic": "median"}}


def test_the_script_of_the_page_trains_and_ends_honestly_without_data(tmp_path: Path) -> None:
    lake, out, params = tmp_path / "lake", tmp_path / "out", tmp_path / "params.json"
    month = lake / "month=2013-06"
    month.mkdir(parents=True)
    out.mkdir()
    trips = "".join(f"2013-06-{day:02},{minutes}\n" for day in range(1, 31) for minutes in (100, 110))
    (month / "segment=atlanta.csv").write_text(f"day,air_time_min\n{trips}2013-07-01,9000\n")
    params.write_text(json.dumps({"as_of": "2013-07-01", "window_months": 1, "statistic": "mean"}))

    def train(city: str) -> int:
        told = {"PORTAL_PARAMS": str(params), "PORTAL_SEGMENT": city, "PORTAL_DATA": str(lake), "PORTAL_OUT": str(out)}
        return subprocess.run([sys.executable, "-c", block("python")], env=told, check=False).returncode

    assert train("atlanta") == 0
    assert json.loads((out / "model.json").read_text())["intercept"] == 105
    assert json.loads((out / "metrics.json").read_text()) == {"mae": 5.0, "rows": 60}
    assert train("boston") == NO_DATA
    assert (out / "reason.txt").read_text() == "Only 0 of the 30 trips needed."


def test_the_table_of_the_page_has_every_setting_and_its_default() -> None:
    rows = dict(re.findall(r"^\| (`.*?) \|.*\| ([^|]*) \|$", PAGE, re.M))
    named = {name: default for names, default in rows.items() for name in re.findall(r"`(\w+)`", names)}
    assert set(named) == set(DEFINITION["properties"])
    assert named["overlap"] == f"`{DEFAULTS['overlap']}`"
    assert named["after_success"] == f"`{DEFAULTS['after_success']}`"
    assert named["seconds"] == f"{DEFAULTS['seconds']}, {DEFAULTS['memory_mb']}"
    assert named["max_concurrent"] == f"{DEFAULTS['max_concurrent']}, {DEFAULTS['max_attempts']}"
