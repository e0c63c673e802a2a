"""MLflow pyfuncs as a worker asks them: really saved by MLflow, unpickled by a process that may do nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest
from django.db import connection
from pytest_django import Settings

from apps.accounts.models import User
from apps.artifacts.actions import add_files, create_tree
from apps.artifacts.queries import files_of, local_path
from apps.platforms.local import LocalRunner
from apps.registry.actions import register_version, request_evaluations, set_gates
from apps.registry.evaluating import evaluate_batch
from apps.registry.evaluators import ASKS_PYFUNCS
from apps.registry.gates import GateSpec
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Segment
from apps.registry.pyfunc.environments import check_python, environment, requirements_of
from tests.open_places import a_place_for_everybody, environment_like, network_can_be_taken_away, reachable_python
from tests.registry import conftest as registry

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a process as another user")
family, atlanta = registry.family, registry.atlanta
MLFLOW = Path(__file__).parents[2] / ".venv-mlflow"
EVALUATOR = """
import os, sys
sys.path.insert(0, os.environ["PORTAL_INPUTS"])
import scoring

def read(segment, first, last):
    lines = scoring.read_days([scoring.DATA / f"{segment}.csv"], first, last)
    return scoring.window(lines, scoring.table_of(lines), segment=segment, first=first, last=last)

def missed(answer, window):
    return abs(answer - window.rows["y"])

scoring.run(read=read, inputs=["miles", "hour"], score=missed, baselines={})
"""
DAYS = ["day,miles,hour,y", *(f"2013-07-{day:02},{day}.5,{day % 3},0" for day in range(1, 21))]
SKLEARN = """
    import sys, pandas, mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.linear_model import LinearRegression
    table = pandas.DataFrame({"miles": [1.0, 2.0, 4.0], "hour": [1, 2, 5]})
    model = LinearRegression().fit(table, 2 * table["miles"] + 3 * table["hour"] + 1)
    signature = infer_signature(table, model.predict(table))
    mlflow.sklearn.save_model(model, sys.argv[1], signature=signature, serialization_format="cloudpickle")
"""
SPY = """
    import os, sys
    import mlflow.pyfunc

    class Spy(mlflow.pyfunc.PythonModel):
        def load_context(self, context):
            import os, pathlib, socket
            self.reached = [name for name in os.environ if name in {secrets!r}]
            for place in {places!r}:
                try:
                    self.reached += [place, *(os.listdir(place) if os.path.isdir(place) else [open(place).read()])]
                except OSError:
                    pass
            for process in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    if process.stat().st_uid != os.getuid():
                        self.reached.append((process / "environ").read_bytes()[:60] and f"{{process}}/environ")
                except OSError:
                    pass
            for address in {addresses!r}:
                try:
                    socket.create_connection(address, timeout=2).close()
                    self.reached.append(address)
                except OSError:
                    pass
            for attempt in (lambda: os.kill({portal}, 0), lambda: os.setuid(0)):
                try:
                    attempt()
                    self.reached.append("the portal's own user")
                except OSError:
                    pass

        def predict(self, context, model_input):
            assert not self.reached, self.reached
            return [0.0] * len(model_input)

    mlflow.pyfunc.save_model(sys.argv[1], python_model=Spy(), pip_requirements=["mlflow==3.17.2"])
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with a_place_for_everybody() as place:
        python = reachable_python(place)
        environment_like(place / "mlflow", python, MLFLOW)
        environment_like(place / "portal", python, Path(sys.prefix))
        yield place


@pytest.fixture(scope="module")
def runner(place: Path) -> Iterator[LocalRunner]:
    made = LocalRunner(place / "scratch", beat_every=0.5, python=str(place / "portal" / "bin" / "python"))
    yield made
    made.close()


@pytest.fixture
def allowed(settings: Settings, place: Path, family: ModelFamily, approver: User) -> ModelFamily:
    """The portal asks pyfuncs in MLflow's own environment, and the family allows pickles."""
    (place / "evaluator.py").write_text(EVALUATOR)
    (place / "data").mkdir(exist_ok=True)
    (place / "data" / "atlanta.csv").write_text("\n".join(DAYS))
    preload = ["numpy", "pandas"]
    settings.EVALUATORS = {"eta": {"script": place / "evaluator.py", "data": place / "data", "preload": preload}}
    settings.EVALUATE_PYFUNC, settings.PYFUNC_ENVIRONMENT = True, str(place / "mlflow")
    set_gates(actor=approver, family=family, gates=[GateSpec("files", {"pickle": "allow"})])
    return family


def saved(script: str, folder: Path) -> Path:
    """What MLflow's own interpreter saves."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent)}
    command = [str(MLFLOW / "bin" / "python"), "-c", dedent(script), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def evaluated(folder: Path, family: ModelFamily, segment: Segment, owner: User, runner: LocalRunner) -> Evaluation:
    files = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
    tree = create_tree()
    add_files(tree=tree, files=files)
    version = register_version(
        actor=owner,
        family=family,
        segment=segment,
        tree=tree,
        run=None,
        kind="trained",
        trained_from=date(2013, 4, 1),
        trained_through=date(2013, 6, 30),
        parameters={},
        pipeline="mlflow",
        origin=None,
    )
    return once_more(version, family, owner, runner)


def once_more(version: ModelVersion, family: ModelFamily, owner: User, runner: LocalRunner) -> Evaluation:
    july = {"window_first": date(2013, 7, 1), "window_last": date(2013, 7, 31)}
    (asked,) = request_evaluations(actor=owner, family=family, candidates=[version], **july)
    evaluate_batch(runner=runner)
    return Evaluation.objects.get(pk=asked.pk)


def test_a_pickled_model_is_asked_in_a_process_of_its_own_once_both_have_allowed_it(
    allowed: ModelFamily,
    settings: Settings,
    atlanta: Segment,
    owner: User,
    approver: User,
    runner: LocalRunner,
    tmp_path: Path,
) -> None:
    set_gates(actor=approver, family=allowed, gates=[GateSpec("files")])
    settings.EVALUATE_PYFUNC = False
    done = evaluated(saved(SKLEARN, tmp_path / "model"), allowed, atlanta, owner, runner)
    assert "a platform admin can switch that on by the setting EVALUATE_PYFUNC" in done.reason
    settings.EVALUATE_PYFUNC = True
    done = once_more(done.candidate, allowed, owner, runner)
    assert "this family allows no pickle: a lead can allow it" in done.reason
    set_gates(actor=approver, family=allowed, gates=[GateSpec("files", {"pickle": "allow"})])
    done = once_more(done.candidate, allowed, owner, runner)
    assert (done.status, done.reason) == ("done", "")
    expected = [2 * (day + 0.5) + 3 * (day % 3) + 1 for day in range(1, 21)]
    assert done.candidate_metric == pytest.approx(sum(expected) / 20)


def stored(folder: Path) -> Path:
    """A file of another model, where the portal keeps it."""
    (folder / "another.json").write_text("{}")
    tree = create_tree()
    add_files(tree=tree, files={"another.json": folder / "another.json"})
    return local_path(files_of(tree).get())


def test_a_harmful_pickle_reaches_nothing_of_the_portal(
    allowed: ModelFamily,
    settings: Settings,
    atlanta: Segment,
    owner: User,
    runner: LocalRunner,
    place: Path,
    tmp_path: Path,
) -> None:
    database = connection.settings_dict
    address = (database["HOST"] or "127.0.0.1", int(database["PORT"] or 5432))
    spy = SPY.format(
        secrets=["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ENCRYPTION_KEYS", "PIP_INDEX_URL"],
        places=[str(stored(tmp_path)), str(Path(settings.VAR_DIR) / "services.json"), str(tmp_path)],
        addresses=[address] if network_can_be_taken_away() else [],
        portal=os.getpid(),
    )
    done = evaluated(saved(spy, tmp_path / "model"), allowed, atlanta, owner, runner)
    assert (done.status, done.reason, done.candidate_metric) == ("done", "", 0.0)


def test_an_environment_is_made_of_what_the_model_requires(tmp_path: Path) -> None:
    model = saved(SKLEARN, tmp_path / "in" / "model")
    wanted = requirements_of((model / "requirements.txt").read_text())
    check_python((model / "python_env.yaml").read_text())
    made = environment(tmp_path / "environments", wanted, seconds=900, going=lambda: True)
    question = {"rows": {"miles": [1.5, 2.0], "hour": [1, 2]}, "types": {"miles": "float64", "hour": "int64"}}
    (tmp_path / "in" / "question.json").write_text(json.dumps(question))
    asked = {"PORTAL_INPUTS": str(tmp_path / "in"), "PORTAL_OUT": str(tmp_path), "HOME": str(tmp_path)}
    subprocess.run([str(made / "bin" / "python"), "-I", str(ASKS_PYFUNCS)], env=asked, check=True)
    assert json.loads((tmp_path / "answers.json").read_text()) == pytest.approx([7.0, 11.0])
    assert environment(tmp_path / "environments", wanted, seconds=0, going=lambda: False) == made
