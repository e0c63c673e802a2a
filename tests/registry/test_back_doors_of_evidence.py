"""Whoever trains a model does not write the number that promotes it: each try, with its reason."""

import json
import pickle
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import Team, User
from apps.artifacts.actions import add_files, create_tree
from apps.platforms.local import LocalRunner
from apps.registry.actions import propose, register_version, request_evaluations
from apps.registry.actions.promotions import Refused
from apps.registry.evaluating import evaluate_batch
from apps.registry.models import Alias, Evaluation, ModelFamily, ModelVersion, Segment
from apps.tracking.actions import ensure_experiment, log_metrics, open_run
from tests.conftest import api, signed_in
from tests.registry.conftest import Evaluate, MakeVersion
from tests.registry.test_evaluations import JULY

EVALUATOR = """
import json, os, sys
from pathlib import Path

sys.path.insert(0, os.environ["PORTAL_INPUTS"])
import model_loaders
import pandas as pd

table = pd.DataFrame({"distance_mi": [100.0, 200.0], "hour": [1, 2]})
actual = [204.0, 407.0]


def errors(model):
    files = {name: Path(os.environ["PORTAL_INPUTS"]) / blob for name, blob in model["files"].items()}
    predicted = model_loaders.load(files, known=["distance_mi", "hour"])(table)
    return [abs(a - b) for a, b in zip(predicted, actual)]


answers = {}
for one in json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text())["comparisons"]:
    try:
        found = errors(one["candidate"])
        daily = [{"day": f"2013-07-0{n + 1}", "rows": 1, "candidate": e} for n, e in enumerate(found)]
        answers[one["id"]] = {"data_digest": "sha256:0", "daily": daily, "error": None}
    except model_loaders.Unreadable as unreadable:
        answers[one["id"]] = {"error": f"The candidate could not be scored: {unreadable}"}
out = Path(os.environ["PORTAL_OUT"])
(out / "evaluations.json").write_text(json.dumps(answers))
(out / "metrics.json").write_text("{}")
"""
EXACT = {
    "format": "linear/1",
    "intercept": 1.0,
    "numbers": [
        {"name": "distance_mi", "mean": 0, "scale": 1, "coefficient": 2.0},
        {"name": "hour", "mean": 0, "scale": 1, "coefficient": 3.0},
    ],
    "categories": [],
}


class Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRunner]:
    made = LocalRunner(tmp_path_factory.mktemp("scratch"), beat_every=0.5)
    yield made
    made.close()


@pytest.fixture
def loading(settings: Settings, tmp_path: Path) -> None:
    """An evaluator that takes the portal's loaders."""
    file = tmp_path / "evaluator.py"
    file.write_text(EVALUATOR)
    settings.EVALUATORS = {"eta": {"script": file, "data": None, "preload": ["numpy", "pandas"]}}


def evaluated(runner: LocalRunner, owner: User, family: ModelFamily, version: ModelVersion) -> Evaluation:
    request_evaluations(actor=owner, family=family, candidates=[version], **JULY)
    while evaluate_batch(runner=runner):
        pass
    return Evaluation.objects.get(candidate=version)


def refusal_of(actor: User, family: ModelFamily, version: ModelVersion) -> str:
    with pytest.raises(Refused) as refused:
        propose(actor=actor, family=family, versions=[version], reason="It says that it is good.")
    assert Alias.objects.get(model=version.model, name="champion").version != version
    return refused.value.errors[version.model.name]


def test_an_evaluator_reads_models_with_the_loaders_of_the_portal(
    loading: None, runner: LocalRunner, make_version: MakeVersion, family: ModelFamily, owner: User, atlanta: Segment
) -> None:
    done = evaluated(runner, owner, family, make_version(atlanta, content=json.dumps(EXACT)))
    assert (done.status, done.reason) == ("done", "")
    assert done.candidate_metric == pytest.approx(0.0)


def test_a_harmful_pickle_stays_harmless_through_registration_evaluation_and_pages(
    loading: None,
    runner: LocalRunner,
    family: ModelFamily,
    owner: User,
    atlanta: Segment,
    tmp_path: Path,
) -> None:
    trap, file = tmp_path / "run", tmp_path / "python_model.pkl"
    file.write_bytes(pickle.dumps(Harmful(trap)))
    tree = create_tree()
    add_files(tree=tree, files={"python_model.pkl": file, "hidden.json": file})
    version = register_version(
        actor=owner, family=family, segment=atlanta, run=None, tree=tree, kind="trained", trained_from=None,
        trained_through=None, parameters={}, pipeline="", origin=None,
    )  # fmt: skip
    assert version.formats == {"python_model.pkl": "pickle", "hidden.json": "pickle"}
    failed = evaluated(runner, owner, family, version)
    assert (failed.status, "it is a pickle, which runs code when it is loaded" in failed.reason) == ("failed", True)
    assert api(owner).get(f"/api/v1/versions/{version.pk}/").status_code == 200
    assert api(owner).get(f"/api/v1/versions/{version.pk}/files/").status_code == 200
    for page in ("/m/eta-trip/", "/m/eta-trip/atlanta/", "/m/eta-trip/atlanta/v1/"):
        assert signed_in(owner).get(page).status_code == 200
    assert not trap.exists()


def test_what_a_script_reports_about_itself_promotes_nothing(
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    family: ModelFamily,
    owner: User,
    colleague: User,
    atlanta: Segment,
    team: Team,
) -> None:
    make_champion(atlanta)
    experiment = ensure_experiment(actor=owner, name=family.experiment, team=team)
    run = open_run(actor=owner, experiment=experiment, name="atlanta", tags={})
    log_metrics(actor=owner, run=run, metrics={"mae": 0.01})
    liar = make_version(atlanta, run=run)
    evaluate(liar, mae=9.5, champion_mae=9.0)
    log_metrics(actor=owner, run=run, metrics={"mae": 0.001})  # after READY, too
    assert "It is 0.5 min worse than v1, not better" in refusal_of(colleague, family, liar)


@pytest.mark.parametrize(
    ("trained_through", "sentence"),
    [
        (date(2013, 7, 31), "v2 was trained through 31 Jul 2013; evaluated from 1 Jul 2013, it may go to 30 Jun 2013."),
        (None, "Nobody knows what v2 was trained on"),
    ],
)
def test_a_window_that_contains_the_evaluation_month_or_is_unknown_promotes_nothing(
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    family: ModelFamily,
    colleague: User,
    atlanta: Segment,
    trained_through: date | None,
    sentence: str,
) -> None:
    make_champion(atlanta)
    leaky = make_version(atlanta, trained_through=trained_through)
    evaluate(leaky, mae=1.0, champion_mae=9.0)
    assert sentence in refusal_of(colleague, family, leaky)
