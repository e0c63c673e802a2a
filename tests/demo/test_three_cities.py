"""The numbers of fleet, compare and version page, made once more from the raw trips with nothing of the portal."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from apps.accounts.models import Team, User
from apps.artifacts.actions import add_files, create_tree
from apps.core.figures import number
from apps.registry.actions import (
    Claim,
    SegmentSpec,
    add_segments,
    claim_evaluations,
    create_family,
    finish_evaluations,
    propose,
    register_version,
    request_evaluations,
    set_labelled_until,
)
from apps.registry.answers import numbers_of
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Segment
from apps.registry.statistics import small_sample_level
from tests.conftest import api, signed_in
from tests.dashboard.test_families import words
from tests.demo.company import EVALUATOR, inputs, run_script, train_here, trips

CITIES = ("atlanta", "boston", "tampa")
JULY = {"first": "2013-07-01", "last": "2013-07-31"}
BASELINE = "median-of-3-months"
DRAWS = 20_000


class Truth(NamedTuple):
    """Of one city in July: mean absolute errors in minutes, the gain of the newer model, and its interval."""

    winter: float
    spring: float
    baseline: float
    gain: float
    lower: float
    upper: float
    rows: int
    days: int


def minutes(model: Mapping[str, Any], row: Mapping[str, str]) -> float:
    """What a model of plain coefficients answers for one trip of the shipped file."""
    numbers = sum(
        term["coefficient"] * (float(row[term["name"]]) - term["mean"]) / term["scale"] for term in model["numbers"]
    )
    categories = sum(term["coefficients"].get(row[term["name"]], 0.0) for term in model["categories"])
    return float(model["intercept"] + numbers + categories)


def truth(city: str, winter: Path, spring: Path) -> Truth:
    july = trips(city, range(7, 8))
    real = np.array([float(row["air_time_min"]) for row in july])
    missed = {name: np.abs(_answers(file, july) - real) for name, file in (("winter", winter), ("spring", spring))}
    usual = np.median([float(row["air_time_min"]) for row in trips(city, range(4, 7))])
    gains, days = missed["winter"] - missed["spring"], np.array([int(row["day"]) for row in july])
    lower, upper = drawn_again(gains, days)
    return Truth(
        missed["winter"].mean(), missed["spring"].mean(), np.abs(usual - real).mean(), gains.mean(), lower, upper,
        len(july), len(np.unique(days)),
    )  # fmt: skip


def _answers(file: Path, rows: Sequence[Mapping[str, str]]) -> np.ndarray:
    model = json.loads(file.read_text())
    return np.array([minutes(model, row) for row in rows])


def drawn_again(gains: np.ndarray, days: np.ndarray) -> tuple[float, float]:
    """Whole days drawn with replacement, row by row counted: the bounds at the level that few days really hold."""
    known = np.unique(days)
    sums = np.array([gains[days == day].sum() for day in known])
    rows = np.array([(days == day).sum() for day in known])
    picked = np.random.default_rng(7).integers(0, len(known), (DRAWS, len(known)))
    means = sums[picked].sum(axis=1) / rows[picked].sum(axis=1)
    level = small_sample_level(len(known), 0.95)
    return float(np.quantile(means, 1 - level)), float(np.quantile(means, level))


@pytest.fixture(scope="module")
def models(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """By city and season, a model really trained."""
    folder = tmp_path_factory.mktemp("models")
    found = {}
    for season, as_of in (("winter", "2013-04-01"), ("spring", "2013-07-01")):
        for city in CITIES:
            out = train_here("eta_ridge.py", folder / f"{city}-{season}", {"as_of": as_of}, segment=city, lake=lake)
            assert out is not None
            found[city, season] = out / "model.json"
    return found


@pytest.fixture
def family(admin: User, approver: User, team: Team) -> ModelFamily:
    made = create_family(
        actor=admin, slug="eta-trip", name="Trip ETA", team=team, dimension="city", metric="mae", unit="min", tier=4,
        evaluator="eta", baselines=[BASELINE],
    )  # fmt: skip
    add_segments(
        actor=admin, family=made, segments=[SegmentSpec(city, city.title(), "", None, None) for city in CITIES]
    )
    made.gates.all().delete()
    return set_labelled_until(actor=approver, family=made, day=date(2013, 7, 31))


def registered(family: ModelFamily, owner: User, city: str, model: Path, through: date) -> ModelVersion:
    tree = create_tree()
    add_files(tree=tree, files={"model.json": model})
    return register_version(
        actor=owner, family=family, segment=Segment.objects.get(slug=city), run=None, tree=tree, kind="trained",
        trained_from=None, trained_through=through, parameters={}, pipeline="eta-ridge", origin=None,
    )  # fmt: skip


def evaluated(owner: User, family: ModelFamily, versions: list[ModelVersion], folder: Path, lake: Path) -> None:
    """By the demo's own evaluator in a process of its own, as a worker has it done."""
    first, last = date(2013, 7, 1), date(2013, 7, 31)
    request_evaluations(actor=owner, family=family, candidates=versions, window_first=first, window_last=last)
    claimed = claim_evaluations(limit=100, lease_seconds=600)
    inputs(folder).mkdir(parents=True)
    comparisons = [compared(row, inputs(folder)) for row in claimed]
    ended = run_script(EVALUATOR, folder, {"window": JULY, "comparisons": comparisons}, lake=lake)
    assert (ended.code, ended.errors) == (0, "")
    answers = ended.json("evaluations.json")
    finish_evaluations(
        results=[
            (
                Claim(row.pk, row.attempt),
                numbers_of(
                    answers[str(row.pk)], against=row.champion_id is not None, direction="lower", baselines=[BASELINE]
                ),
            )
            for row in claimed
        ]
    )


def compared(row: Evaluation, folder: Path) -> dict[str, Any]:
    asked: dict[str, Any] = {"id": str(row.pk), "segment": row.model.its_segment.slug}
    for role, version in (("candidate", row.candidate), ("champion", row.champion)):
        asked[role] = None
        if version:
            name = f"{version.pk}.json"
            (folder / name).write_bytes(_content(version))
            asked[role] = {"files": {"model.json": name}}
    return asked


def _content(version: ModelVersion) -> bytes:
    from apps.artifacts.queries import open_file

    with open_file(tree=version.its_tree, path="model.json") as file:
        return file.read()


@pytest.mark.django_db
def test_three_cities_come_out_the_same_from_the_raw_trips(
    owner: User, family: ModelFamily, models: dict[tuple[str, str], Path], lake: Path, tmp_path: Path
) -> None:
    old = {city: registered(family, owner, city, models[city, "winter"], date(2013, 3, 31)) for city in CITIES}
    evaluated(owner, family, list(old.values()), tmp_path / "first", lake)
    propose(actor=owner, family=family, versions=list(old.values()), reason="first ones")
    new = {city: registered(family, owner, city, models[city, "spring"], date(2013, 6, 30)) for city in CITIES}
    evaluated(owner, family, list(new.values()), tmp_path / "second", lake)
    fleet = {row["segment"]: row for row in api(owner).get("/api/v1/families/eta-trip/fleet/").json()}
    page = words(signed_in(owner).get("/m/eta-trip/?view=table").content.decode())
    for city in CITIES:
        real = truth(city, models[city, "winter"], models[city, "spring"])
        close = (real.upper - real.lower) * 0.05  # two draws of thousands never end on the same digit
        row = fleet[city]
        assert row["newest"]["candidate"] == pytest.approx(real.winter)
        assert row["newest"]["baseline"] == pytest.approx(real.baseline)
        score = row["comparison"]
        assert (score["candidate"], score["champion"]) == pytest.approx((real.spring, real.winter))
        assert (score["rows"], score["days"]) == (real.rows, real.days)
        assert score["difference"] == pytest.approx(real.gain)
        assert (score["lower"], score["upper"]) == pytest.approx((real.lower, real.upper), abs=close)
        assert number(real.winter) in page
        address = f"compare/?versions={old[city].pk},{new[city].pk}"
        told = api(owner).get(f"/api/v1/families/eta-trip/{address}").json()
        assert [one["score"]["metric"] for one in told["versions"]] == pytest.approx([real.winter, real.spring])
        gap = told["versions"][1]["against_reference"]
        assert gap["difference"] == pytest.approx(real.gain)
        assert (gap["lower"], gap["upper"]) == pytest.approx((real.lower, real.upper), abs=close)
        shown = words(signed_in(owner).get(f"/models/eta-trip/{address}").content.decode())
        assert f"MAE min {number(real.winter)} {number(real.spring)}" in shown
        version = words(signed_in(owner).get(f"/m/eta-trip/{city}/v2/").content.decode())
        assert f"v2 {number(real.spring)} min Champion v1 {number(real.winter)} min" in version
        assert f"Plain baseline {number(real.baseline)} min" in version
