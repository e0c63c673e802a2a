"""MLflow's own client sends and fetches files, and logs models, against a running portal."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from sklearn.linear_model import LinearRegression

from apps.accounts.models import User
from apps.tracking.models import LoggedModel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def as_owner(client_of: Callable[[User], None], owner: User) -> None:
    client_of(owner)


def test_files_dicts_and_texts_are_logged_listed_and_fetched(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    (folder / "deep er").mkdir(parents=True)
    (folder / "deep er" / "ü 100%.txt").write_text("ü")
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(folder), "reports")
        mlflow.log_dict({"a": 1}, "facts.json")
        mlflow.log_text("first", "note.txt")
        mlflow.log_text("second", "note.txt")
    client = MlflowClient()
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["facts.json", "note.txt", "reports"]
    deep = client.list_artifacts(run.info.run_id, "reports/deep er")
    assert [(one.path, one.file_size) for one in deep] == [("reports/deep er/ü 100%.txt", 2)]
    there = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "got")))
    assert (there / "note.txt").read_text() == "second"
    assert json.loads((there / "facts.json").read_text()) == {"a": 1}
    assert (there / "reports" / "deep er" / "ü 100%.txt").read_text() == "ü"


def test_a_large_file_is_sent_in_parts_and_arrives_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is only told what is large, and how large a part is."""
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(6 * 1024**2))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * 1024**2))
    sent = os.urandom(11 * 1024**2)
    (tmp_path / "weights.bin").write_bytes(sent)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / "weights.bin"), "deep/er")
    got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="deep/er/weights.bin")
    assert Path(got).read_bytes() == sent


def test_a_logged_model_keeps_its_files_its_parameters_and_what_was_measured_about_it() -> None:
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(
            LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]),
            name="model",
            params={"depth": 3},
            skops_trusted_types=[],
        )
        mlflow.log_metric("mae", 0.5, model_id=info.model_id)
    model = mlflow.get_logged_model(info.model_id)
    assert (str(model.status), model.source_run_id) == ("READY", run.info.run_id)
    assert (model.params, [(m.key, m.value) for m in model.metrics]) == ({"depth": "3"}, [("mae", 0.5)])
    assert LoggedModel.objects.get(pk=info.model_id).tree.files.filter(path="MLmodel").exists()
    loaded = mlflow.pyfunc.load_model(f"models:/{info.model_id}")
    assert loaded.predict([[3.0]]).tolist() == pytest.approx([3.0])
    outputs = mlflow.get_run(run.info.run_id).outputs.model_outputs
    assert [one.model_id for one in outputs] == [info.model_id]
    found = mlflow.search_logged_models(filter_string="metrics.mae < 1 AND name = 'model'", output_format="list")
    assert [one.model_id for one in found] == [info.model_id]


def test_autolog_of_scikit_learn_logs_by_itself() -> None:
    mlflow.sklearn.autolog()
    try:
        LinearRegression().fit([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.5])
    finally:
        mlflow.sklearn.autolog(disable=True)
    run = mlflow.last_active_run()
    assert run.data.params["fit_intercept"] == "True"
    assert "training_mean_squared_error" in run.data.metrics
    assert run.outputs.model_outputs


def test_a_folder_is_uploaded_to_an_address_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mdl").mkdir()
    (tmp_path / "mdl" / "MLmodel").write_text("flavors: {}")
    address = f"{mlflow.get_tracking_uri()}/api/2.0/mlflow-artifacts/artifacts/uploads/{'a' * 32}"
    repository = get_artifact_repository(address)
    repository.log_artifacts(str(tmp_path / "mdl"))
    assert [one.path for one in repository.list_artifacts()] == ["MLmodel"]
