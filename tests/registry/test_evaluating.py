"""Evaluations as a worker makes them: the real runner, the real evaluator, the real trips."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.artifacts.models import TreeFile
from apps.artifacts.queries import local_path
from apps.demo.lake import reveal
from apps.platforms.local import LocalRunner
from apps.registry.actions import request_evaluations
from apps.registry.evaluating import evaluate_batch
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Segment
from apps.registry.queries import recomputed
from tests.registry.conftest import MakeVersion

JULY = {"window_first": date(2013, 7, 1), "window_last": date(2013, 7, 31)}
MINUTES_112 = json.dumps({"format": "linear/1", "intercept": 112.0, "numbers": [], "categories": []})
MINUTES_90 = MINUTES_112.replace("112", "90")


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    reveal(folder, date(2013, 7, 31))
    return folder


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRunner]:
    made = LocalRunner(tmp_path_factory.mktemp("scratch"), beat_every=0.5)
    yield made
    made.close()


@pytest.fixture
def eta(settings: Settings, lake: Path) -> dict[str, object]:
    """The demo's evaluator, over trips until the end of July."""
    settings.EVALUATORS = {"eta": {**settings.EVALUATORS["eta"], "data": lake}}
    return settings.EVALUATORS["eta"]


def ask(owner: User, family: ModelFamily, *versions: ModelVersion) -> list[Evaluation]:
    return request_evaluations(actor=owner, family=family, candidates=versions, **JULY)


def test_candidate_champion_and_baseline_are_scored_on_identical_trips(
    eta: dict[str, object],
    runner: LocalRunner,
    make_version: MakeVersion,
    make_champion: MakeVersion,
    family: ModelFamily,
    owner: User,
    atlanta: Segment,
    boston: Segment,
) -> None:
    champion = make_champion(atlanta, content=MINUTES_90)
    candidate, alone = make_version(atlanta, content=MINUTES_112), make_version(boston, content=MINUTES_90)
    ask(owner, family, candidate, alone)
    assert evaluate_batch(runner=runner) == 2
    compared = Evaluation.objects.get(candidate=candidate)
    assert (compared.status, compared.reason, compared.champion) == ("done", "", champion)
    assert compared.rows == sum(day["rows"] for day in compared.daily) > 30
    assert compared.days == len(compared.daily)
    for role, metric in (("candidate", compared.candidate_metric), ("champion", compared.champion_metric)):
        assert metric == pytest.approx(sum(day[role] for day in compared.daily) / compared.rows)
    against = compared.baselines["median-of-3-months"]
    assert against["metric"] == compared.baseline_metric
    assert against["difference"] == pytest.approx(against["metric"] - (compared.candidate_metric or 0))
    assert against["lower"] < against["difference"] < against["upper"]
    gain = (compared.champion_metric or 0) - (compared.candidate_metric or 0)
    assert compared.difference == pytest.approx(gain)
    assert (compared.lower or 0) < gain < (compared.upper or 0)
    first = Evaluation.objects.get(candidate=alone)
    assert (first.status, first.champion, first.difference) == ("done", None, None)
    assert (first.baseline_metric, list(first.baselines)) != (None, [])
    assert evaluate_batch(runner=runner) == 0
    again = recomputed(compared)
    assert (again.agrees, again.recomputed.lower, len(again.daily)) == (True, compared.lower, compared.days)
    assert recomputed(first).agrees


def test_a_model_that_can_not_be_read_fails_alone_with_its_sentence(
    eta: dict[str, object],
    runner: LocalRunner,
    make_version: MakeVersion,
    family: ModelFamily,
    owner: User,
    atlanta: Segment,
    boston: Segment,
) -> None:
    broken, sound = make_version(atlanta, content="{not json"), make_version(boston, content=MINUTES_90)
    ask(owner, family, broken, sound)
    evaluate_batch(runner=runner)
    failed = Evaluation.objects.get(candidate=broken)
    assert (failed.status, "its file is broken" in failed.reason) == ("failed", True)
    assert Evaluation.objects.get(candidate=sound).status == "done"


def test_a_damaged_stored_file_fails_alone_with_its_sentence(
    eta: dict[str, object],
    runner: LocalRunner,
    make_version: MakeVersion,
    family: ModelFamily,
    owner: User,
    atlanta: Segment,
    boston: Segment,
) -> None:
    damaged, sound = make_version(atlanta, content=MINUTES_112), make_version(boston, content=MINUTES_90)
    ask(owner, family, damaged, sound)
    stored = local_path(TreeFile.objects.get(tree=damaged.tree_id))
    stored.unlink()
    evaluate_batch(runner=runner)
    assert "is gone or damaged" in Evaluation.objects.get(candidate=damaged).reason
    assert Evaluation.objects.get(candidate=sound).status == "done"


def script(folder: Path, text: str, settings: Settings) -> None:
    file = folder / "evaluator.py"
    file.write_text(text)
    settings.EVALUATORS = {"eta": {"script": file, "data": None, "preload": []}}


def test_an_evaluator_that_breaks_is_tried_three_times_in_smaller_company_and_then_fails(
    settings: Settings,
    tmp_path: Path,
    runner: LocalRunner,
    make_version: MakeVersion,
    family: ModelFamily,
    owner: User,
    atlanta: Segment,
    boston: Segment,
) -> None:
    script(tmp_path, "raise SystemExit('the lake is dry')", settings)
    ask(owner, family, make_version(atlanta), make_version(boston))
    assert [evaluate_batch(limit=10, runner=runner) for _ in range(5)] == [2, 1, 1, 1, 1]
    while Evaluation.objects.due().exists():
        evaluate_batch(limit=10, runner=runner)
    for evaluation in Evaluation.objects.all():
        assert (evaluation.status, evaluation.attempt) == ("failed", 3)
        assert evaluation.reason.startswith("Tried 3 times without a result. The evaluator broke:")


def answer_of(*daily: dict[str, object], **stated: object) -> str:
    return json.dumps({"ID": {"data_digest": "sha256:0", "daily": daily, "error": None, **stated}})


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("[]", "holds no answers by id"),
        ("{", "is no JSON"),
        ("{}", "did not answer this comparison"),
        ('{"ID": {"error": "There is no trip."}}', "There is no trip."),
        ('{"ID": {"metric": {}, "daily": []}}', "makes no sense"),
        (answer_of(), "there is no row, or a day without one"),
        (answer_of({"day": "2013-07-01", "rows": 0, "candidate": 1.0}), "there is no row, or a day without one"),
        (answer_of({"day": "2013-07-01", "rows": 1, "candidate": float("nan")}), "nan is no metric"),
        (answer_of({"day": "2013-07-01", "rows": 1, "candidate": True}), "True is no metric"),
        (answer_of(*[{"day": "2013-07-01", "rows": 1, "candidate": 1.0}] * 2), "a day appears twice"),
        (
            answer_of({"day": "2013-07-01", "rows": 2, "candidate": 8.0}, metric={"candidate": 0.01}),
            "its metric is not the mean of its errors by day",
        ),
    ],
)
def test_a_senseless_answer_is_a_sentence_and_never_a_number(
    settings: Settings,
    tmp_path: Path,
    runner: LocalRunner,
    make_version: MakeVersion,
    family: ModelFamily,
    owner: User,
    atlanta: Segment,
    answer: str,
    sentence: str,
) -> None:
    wanted = (
        "import json, os\n"
        "asked = json.load(open(os.environ['PORTAL_PARAMS']))['comparisons'][0]['id']\n"
        f"answer = {answer!r}.replace('ID', asked)\n"
        "open(os.environ['PORTAL_OUT'] + '/evaluations.json', 'w').write(answer)\n"
        "open(os.environ['PORTAL_OUT'] + '/metrics.json', 'w').write('{}')\n"
    )
    script(tmp_path, wanted, settings)
    ask(owner, family, make_version(atlanta))
    while evaluate_batch(runner=runner):
        pass
    evaluation = Evaluation.objects.get()
    assert evaluation.candidate_metric is None
    assert sentence in evaluation.reason


def test_another_script_than_the_one_asked_for_measures_nothing(
    settings: Settings,
    tmp_path: Path,
    runner: LocalRunner,
    make_version: MakeVersion,
    family: ModelFamily,
    owner: User,
    atlanta: Segment,
) -> None:
    version = make_version(atlanta)
    ask(owner, family, version)
    script(tmp_path, "raise SystemExit('must not run')", settings)
    evaluate_batch(runner=runner)
    assert Evaluation.objects.get().reason == "The evaluator has changed since this was asked for; ask for it again."
    again = ask(owner, family, version)
    assert [evaluation.status for evaluation in again] == ["waiting"]
    assert Evaluation.objects.count() == 2
