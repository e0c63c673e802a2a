"""A company's own MLflow 3.17.2: brought over through kills, used beside the portal, and left for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import mlflow.sklearn
import pytest
from django import db
from django.conf import settings as portal_settings
from django.core.management import call_command
from django.db.models import Count
from django.utils import timezone
from mlflow.entities import Metric as Point
from pytest_django import Settings
from sklearn.linear_model import LinearRegression

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.artifacts.queries import files_of, local_path
from apps.audit.models import AuditEvent
from apps.core.permissions import scopes
from apps.platforms.actions import set_connection
from apps.platforms.models import Connection
from apps.registry.models import Alias, ModelVersion, RegisteredModel
from apps.tracking.models import Metric, Run
from apps.transfers.bringing import bring_next
from apps.transfers.models import Transfer
from portal.local.ports import free_port
from tests.parity import servers
from tests.served import ROOT, database_url, web_process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(500)]
MODELS, VERSIONS, POINTS = 3, 4, 60
KILLED_AFTER = ("] own-0", "own-0 v2", "own-1 v1", "] own-2", "files: ", "files: ", "files: ")
"""The lines after which the import is killed, one after the other."""
LEAVING_KILLED_AFTER = ("] out-0", "out-0 v2", "] out-2", "out-2 v2")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.mlflow(tmp_path_factory.mktemp("own")) as made:
        yield made


@pytest.fixture(autouse=True)
def quiet(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "var"
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


@pytest.fixture
def connection(admin: User, server: servers.Server) -> Connection:
    return set_connection(actor=admin, name="own", kind="mlflow", address=server.address)


@pytest.fixture
def client(server: servers.Server) -> mlflow.MlflowClient:
    mlflow.set_tracking_uri(server.address)
    mlflow.set_registry_uri(server.address)
    return mlflow.MlflowClient(server.address)


def fill(client: mlflow.MlflowClient, folder: Path) -> None:
    """Models of several versions, each with a run, a curve and files of its own; one version is deleted."""
    mlflow.set_experiment("own")
    for number in range(MODELS):
        name = f"own-{number}"
        client.create_registered_model(name, tags={"owner": "ada"}, description="From before.")
        for version in range(1, VERSIONS + 1):
            _version(client, folder / name, name, version)
        client.set_registered_model_alias(name, "live", "2")
    client.delete_model_version("own-2", "3")


def _version(client: mlflow.MlflowClient, folder: Path, name: str, version: int) -> None:
    with mlflow.start_run(run_name=f"{name} {version}") as run:
        mlflow.log_params({"alpha": version, "depth": 3})
        curve = [Point("mae", 9 - step / POINTS, 1_700_000_000_000 + step, step) for step in range(POINTS)]
        client.log_batch(run.info.run_id, metrics=[*curve, Point("odd", float("nan"), 1_700_000_000_000, 0)])
        folder.mkdir(exist_ok=True)
        (folder / "MLmodel").write_text(f"flavors: {{}}\nrun_id: {run.info.run_id}\n")
        (folder / "weights.json").write_text(f'{{"name": "{name}", "version": {version}}}')
        mlflow.log_artifacts(str(folder), "model")
        source = f"runs:/{run.info.run_id}/model"
        client.create_model_version(name, source, run.info.run_id, tags={"n": str(version)})


def killed_after(line: str, command: str, connection: str, actor: User) -> None:
    """Runs the command and kills it, hard, as soon as it has said that."""
    own = {"DATABASE_URL": database_url(), "VAR_DIR": str(portal_settings.VAR_DIR), "PORTAL_LOCAL": "1"}
    argv = [sys.executable, "-u", "manage.py", command, connection, "--actor", actor.username]
    process = subprocess.Popen(argv, cwd=ROOT, env={**os.environ, **own}, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = []
    for said_line in process.stdout:
        said.append(said_line)
        if line in said_line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process.stdout.close()
    assert line in said[-1], said


def test_an_import_killed_again_and_again_brings_everything_and_nothing_twice(
    owner: User, connection: Connection, client: mlflow.MlflowClient, tmp_path: Path
) -> None:
    fill(client, tmp_path)
    for line in KILLED_AFTER:
        killed_after(line, "import_mlflow", "own", owner)
        Transfer.objects.filter(status="working").update(lease_until=timezone.now())
    call_command("import_mlflow", "own", "--actor", owner.username)
    there = {
        (version.name, int(version.version)): version
        for number in range(MODELS)
        for version in client.search_model_versions(f"name = 'own-{number}'")
    }
    here = {(row.model.name, row.number): row for row in ModelVersion.objects.select_related("model", "run", "tree")}
    assert here.keys() == there.keys()
    assert len(here) == MODELS * VERSIONS - 1
    for key, version in there.items():
        _same(client, version, here[key])
    assert Run.objects.count() == Run.objects.filter(status="FINISHED").count() == len(here)
    assert Metric.objects.count() == len(here) * (POINTS + 1)
    assert Alias.objects.filter(name="live", version__number=2).count() == MODELS
    twice = AuditEvent.objects.values("action", "target_type", "target_id").annotate(n=Count("pk")).filter(n__gt=1)
    assert not twice.exclude(action="tracking.experiment_created").exists()


def _same(client: mlflow.MlflowClient, there: Any, here: ModelVersion) -> None:
    assert (here.status, here.tags) == ("READY", there.tags), here.status_message
    assert int(here.created_at.timestamp() * 1_000 + 0.5) == there.creation_timestamp
    run = client.get_run(there.run_id)
    assert here.run
    assert here.run.pk == there.run_id
    assert dict(here.run.params.values_list("key", "value")) == run.data.params
    assert int(here.run.started_at.timestamp() * 1_000 + 0.5) == run.info.start_time
    points = {(point.step, point.timestamp, point.value) for point in client.get_metric_history(there.run_id, "mae")}
    kept = here.run.metrics.filter(key="mae").values_list("step", "timestamp", "value")
    assert {(step, int(at.timestamp() * 1_000 + 0.5), value) for step, at, value in kept} == points
    assert here.tree
    folder = Path(mlflow.artifacts.download_artifacts(f"runs:/{there.run_id}/model"))
    files = {file.path: local_path(file).read_bytes() for file in files_of(here.tree)}
    assert files == {file.name: file.read_bytes() for file in folder.iterdir()}


def test_what_is_exported_loads_from_the_other_server_with_the_same_bytes(
    owner: User, admin: User, connection: Connection, client: mlflow.MlflowClient, tmp_path: Path
) -> None:
    """Brought over, renamed here, and written back under the other name: out, in, and out again."""
    if not client.search_registered_models("name = 'own-0'"):
        fill(client, tmp_path)
    call_command("import_mlflow", "own", "--actor", owner.username)
    for model in RegisteredModel.objects.all():
        RegisteredModel.objects.filter(pk=model.pk).update(name=model.name.replace("own", "out"))
    set_connection(actor=admin, name="out", kind="mlflow", address=connection.address)
    call_command("export_mlflow", "out", "--actor", admin.username, "--dry-run")
    assert not client.search_registered_models("name LIKE 'out-%'")
    for line in LEAVING_KILLED_AFTER:
        killed_after(line, "export_mlflow", "out", admin)
    call_command("export_mlflow", "out", "--actor", admin.username)
    left = client.create_model_version("out-1", "s3://bucket/none", tags={"portal_version": "9"})
    call_command("export_mlflow", "out", "--actor", admin.username)
    assert left.version not in {version.version for version in client.search_model_versions("name = 'out-1'")}
    versions = ModelVersion.objects.select_related("model", "run", "tree")
    for version in versions:
        name = version.model.name
        there = client.get_model_version(name, str(version.number))
        assert (there.status, there.tags["n"], there.tags["portal_digest"]) == (
            "READY",
            version.tags["n"],
            version.digest,
        )
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{name}/{version.number}"))
        assert version.tree
        files = {file.path: local_path(file).read_bytes() for file in files_of(version.tree)}
        assert files.items() <= {file.name: file.read_bytes() for file in folder.iterdir()}.items()
        assert version.run
        history = client.get_metric_history(there.run_id, "mae")
        assert {(point.step, point.value) for point in history} == set(
            version.run.metrics.filter(key="mae").values_list("step", "value")
        )
        assert client.get_run(there.run_id).info.start_time == int(version.run.started_at.timestamp() * 1_000 + 0.5)
    assert len(client.search_model_versions("name LIKE 'out-%'")) == len(versions)
    assert client.get_model_version_by_alias("out-1", "live").version == "2"
    exported = client.search_runs([client.get_experiment_by_name("own").experiment_id], "tags.portal_run LIKE '%'")
    assert len(exported) == len(versions)
    assert AuditEvent.objects.filter(action="transfers.exported").count() == len(LEAVING_KILLED_AFTER) + 2


@contextmanager
def copying() -> Iterator[None]:
    """What a worker does, beside the test."""
    over = threading.Event()

    def copy() -> None:
        while not over.wait(0.2):
            bring_next()
        db.connection.close()

    thread = threading.Thread(target=copy)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


def test_tracking_stays_there_and_the_registry_is_here(
    owner: User,
    connection: Connection,
    server: servers.Server,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """An unchanged client with two addresses; in the end the other server is gone."""
    line = LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    token = create_token(actor=owner, name="client", scopes=scopes()).secret
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    with web_process(Path(settings.VAR_DIR)) as portal, copying():
        mlflow.set_tracking_uri(server.address)
        mlflow.set_registry_uri(portal.address)
        mlflow.set_experiment("beside")
        with mlflow.start_run() as run:
            mlflow.log_param("alpha", 1)
            made = mlflow.sklearn.log_model(line, name="model", registered_model_name="line")
        by_model = mlflow.register_model(f"models:/{made.model_id}", "line")
        by_run = mlflow.register_model(f"runs:/{run.info.run_id}/model", "line")
        with pytest.raises(mlflow.MlflowException, match="FAILED_REGISTRATION and message: None of the connected"):
            mlflow.register_model(f"models:/m-{'c' * 32}", "line")
        assert [int(one) for one in (made.registered_model_version, by_model.version, by_run.version)] == [1, 2, 3]
        mlflow.set_tracking_uri(f"http://127.0.0.1:{free_port()}")
        for number in (1, 2, 3):
            assert mlflow.sklearn.load_model(f"models:/line/{number}").predict([[3.0]]) == pytest.approx([7.0])
    versions = list(ModelVersion.objects.order_by("number"))
    assert [version.status for version in versions] == ["READY", "READY", "READY", "FAILED_REGISTRATION"]
    assert len({version.digest for version in versions[:3]}) == 1
    assert {version.run_ref for version in versions[:3]} == {run.info.run_id}
    assert versions[0].reported_params == {"alpha": "1"}
    assert f"knows m-{'c' * 32}" in versions[3].status_message
