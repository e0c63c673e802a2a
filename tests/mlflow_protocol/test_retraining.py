"""A retraining run that logs with plain MLflow: into the run that the portal opened, with a token of that run alone."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.actions import create_run_token, end_run_token
from apps.accounts.models import ApiToken, User
from apps.demo import lake
from apps.registry.models import ModelVersion
from apps.retraining import actions, training
from apps.retraining.models import RetrainingRequest
from apps.tracking.actions import default_experiment, open_run
from apps.tracking.models import Metric, Run
from tests.mlflow_protocol.conftest import Mlflow, refusal
from tests.retraining import conftest as retraining
from tests.retraining.conftest import run_of
from tests.served import Web

family, pipelines_folder = retraining.family, retraining.pipelines_folder
pipeline, submit = retraining.pipeline, retraining.submit
PIPELINES = Path(__file__).parents[2] / "apps" / "demo" / "pipelines"
PROBE = """
import json, os, urllib.error, urllib.request
import mlflow

home, token, run = (os.environ[n] for n in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_RUN_ID"))

def status(method, path, **body):
    data = json.dumps(body).encode() if body else None
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    request = urllib.request.Request(home + path, data, headers, method=method)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code

with mlflow.start_run() as mine:
    assert mine.info.run_id == run
    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("{}", "model.json")
    tried = {
        "another run": status("POST", "/api/2.0/mlflow/runs/log-metric", run_id="OTHER", key="a", value=1, timestamp=1),
        "read another": status("GET", "/api/2.0/mlflow/runs/get?run_id=OTHER"),
        "new run": status("POST", "/api/2.0/mlflow/runs/create", experiment_id="0"),
        "registry": status("GET", "/api/2.0/mlflow/registered-models/search"),
        "api": status("GET", "/api/v1/me/"),
        "delete": status("POST", "/api/2.0/mlflow/runs/delete", run_id=run),
    }
    mlflow.log_dict(tried, "tried.json")
print("token", token)
"""


@pytest.fixture
def trained(settings: Settings, web: Web, tmp_path: Path) -> Iterator[Callable[[RetrainingRequest], None]]:
    settings.TRACKING_URL = web.address
    settings.VAR_DIR = web.folder
    settings.RETRAINING_HEARTBEAT_SECONDS = 0.2
    training.default_runner.cache_clear()

    def train(request: RetrainingRequest) -> None:
        actions.drive(request_id=request.pk)
        training.train(run_of(request).pk, worker="work@test")

    yield train
    training.default_runner().close()
    training.default_runner.cache_clear()


@pytest.fixture
def data() -> Iterator[Path]:
    """The demo's trips, where another operating-system user can read them too."""
    folder = Path(tempfile.mkdtemp(prefix="portal-data-"))
    folder.chmod(0o755)
    lake.reveal(folder / "lake", date(2013, 7, 31))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.django_db(transaction=True)
def test_a_run_s_token_does_that_run_s_work_and_nothing_else(
    submit: retraining.Submit, owner: User, trained: Callable[[RetrainingRequest], None], pipelines_folder: Path
) -> None:
    other = open_run(actor=owner, experiment=default_experiment(actor=owner), name="other", tags={})
    (pipelines_folder / "toy.py").write_text(PROBE.replace("OTHER", other.pk))
    request = submit("atlanta")
    trained(request)
    run = run_of(request)
    assert (run.status, run.reason) == ("succeeded", ""), run.log
    assert run.run is not None
    assert Metric.objects.get(run=run.run, key="loss").value == 0.5
    files = ModelVersion.objects.get().its_tree.files.values_list("path", flat=True)
    assert list(files) == ["model.json", "tried.json"]
    token = next(line.split()[1] for line in run.log.splitlines() if line.startswith("token"))
    assert not ApiToken.objects.filter(scopes__contains=[f"run:{run.run_id}"]).exists()
    assert refusal(Mlflow(f"Bearer {token}").get("runs/get", run_id=run.run_id)) == (401, "UNAUTHENTICATED")
    assert not Metric.objects.filter(run=other).exists()


@pytest.mark.django_db(transaction=True)
def test_the_demo_s_mlflow_script_leaves_its_loss_by_epoch(
    submit: retraining.Submit,
    trained: Callable[[RetrainingRequest], None],
    settings: Settings,
    pipelines_folder: Path,
    data: Path,
) -> None:
    text = (PIPELINES / "eta_descent.py").read_text()
    (pipelines_folder / "toy.py").write_text(f"import os\nos.environ['PORTAL_DATA'] = {str(data / 'lake')!r}\n{text}")
    request = submit("atlanta")
    trained(request)
    run = run_of(request)
    assert (run.status, run.reason) == ("succeeded", ""), run.log
    loss = Metric.objects.filter(run=run.run, key="loss").order_by("step")
    assert [point.step for point in loss] == list(range(60))
    assert loss[59].value < loss[0].value
    assert Run.objects.get(pk=run.run_id).status == "FINISHED"


@pytest.mark.django_db
def test_a_run_s_token_is_not_one_of_its_owner_s_own(owner: User) -> None:
    from apps.accounts.queries import tokens_of

    create_run_token(actor=owner, run="a" * 32, seconds=60)
    assert not tokens_of(owner).exists()
    end_run_token(run="a" * 32)
    assert not ApiToken.objects.exists()
