"""MLflow's own client, unchanged, keeps models in a running portal."""

import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from pytest_django import Settings

from apps.accounts.models import User
from apps.registry.models import Alias, ModelFamily, ModelVersion, Segment
from apps.registry.queries import version as version_of
from tests.mlflow_protocol.conftest import Speak
from tests.registry import conftest as registry
from tests.registry.conftest import Evaluate, MakeVersion
from tests.served import Web

pytestmark = pytest.mark.django_db(transaction=True)
Become = Callable[[User], None]
S3 = "s3://bucket/model"
atlanta, boston, evaluate, family = registry.atlanta, registry.boston, registry.evaluate, registry.family
make_champion, make_version = registry.make_champion, registry.make_version


@pytest.fixture
def client(client_of: Become, owner: User) -> MlflowClient:
    client_of(owner)
    return MlflowClient()


def test_models_versions_tags_aliases_and_stages(client: MlflowClient) -> None:
    client.create_registered_model("mine", tags={"a": "1"}, description="text")
    first = client.create_model_version("mine", S3, tags={"b": "2"}, description="first")
    assert (first.version, first.status, first.user_id, first.tags) == ("1", "READY", "owner", {"b": "2"})
    client.create_model_version("mine", S3)
    client.set_registered_model_alias("mine", "prod", "1")
    assert client.get_model_version_by_alias("mine", "prod").version == "1"
    client.set_model_version_tag("mine", "1", "c", "3")
    client.delete_model_version_tag("mine", "1", "b")
    assert client.get_model_version("mine", "1").tags == {"c": "3"}
    client.update_model_version("mine", "2", description="second")
    client.transition_model_version_stage("mine", "2", "Staging")
    assert [one.version for one in client.get_latest_versions("mine", ["Staging"])] == ["2"]
    model = client.get_registered_model("mine")
    assert (model.aliases, model.tags, model.description) == ({"prod": "1"}, {"a": "1"}, "text")
    client.rename_registered_model("mine", "renamed")
    client.delete_registered_model_alias("renamed", "prod")
    client.delete_model_version("renamed", "2")
    with pytest.raises(RestException, match=r"Model Version .name=renamed, version=2. not found"):
        client.get_model_version("renamed", "2")
    client.delete_registered_model("renamed")
    with pytest.raises(RestException, match="Registered Model with name=renamed not found"):
        client.get_registered_model("renamed")


def test_registering_under_a_name_that_exists_adds_a_version(client: MlflowClient) -> None:
    """`register_model` needs exactly MLflow's error code for a name that is taken."""
    for number in ("1", "2"):
        assert mlflow.register_model(S3, "mine").version == number


def test_a_search_goes_through_all_pages(client: MlflowClient) -> None:
    for n in range(7):
        client.create_registered_model(f"m-{n}", tags={"even": str(n % 2 == 0)})
    found: list[str] = []
    token = None
    while token != "":
        page = client.search_registered_models("name LIKE 'm-%'", max_results=2, page_token=token)
        found, token = found + [model.name for model in page], page.token or ""
    assert found == [f"m-{n}" for n in range(7)]
    even = client.search_registered_models("tags.even = 'True'", order_by=["name DESC"])
    assert [model.name for model in even] == ["m-6", "m-4", "m-2", "m-0"]


def test_a_copied_version_has_the_same_files(
    client: MlflowClient, make_version: MakeVersion, atlanta: Segment, owner: User, web: Web, settings: Settings
) -> None:
    settings.VAR_DIR = web.folder  # where the web process looks for files
    original = make_version(atlanta)
    copied = client.copy_model_version(f"models:/{original.model.name}/1", "elsewhere")
    assert (copied.name, copied.version, copied.source) == ("elsewhere", "1", "models:/eta-trip.atlanta/1")
    assert version_of(actor=owner, model="elsewhere", number=1).digest == original.digest


def test_prompts_are_kept_beside_the_models(client: MlflowClient) -> None:
    client.create_registered_model("a model")
    mlflow.genai.register_prompt("greeting", "Hello {{name}}", commit_message="first")
    mlflow.genai.register_prompt("greeting", "Hi {{name}}")
    mlflow.genai.set_prompt_alias("greeting", alias="prod", version=1)
    assert mlflow.genai.load_prompt("prompts:/greeting@prod").template == "Hello {{name}}"
    assert mlflow.genai.load_prompt("greeting").template == "Hi {{name}}"
    assert [model.name for model in client.search_registered_models()] == ["a model"]
    assert [prompt.name for prompt in mlflow.genai.search_prompts()] == ["greeting"]
    with pytest.raises(MlflowException, match="already taken by a prompt"):
        client.create_registered_model("greeting")


def test_twenty_threads_and_a_thousand_versions_get_consecutive_numbers(client: MlflowClient) -> None:
    client.create_registered_model("mine")
    numbers: list[str] = []

    def register() -> None:
        numbers.extend(MlflowClient().create_model_version("mine", S3).version for _ in range(50))

    threads = [threading.Thread(target=register) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, numbers)) == list(range(1, 1_001))
    assert client.get_latest_versions("mine")[0].version == "1000"
    assert len(client.search_model_versions("name = 'mine' AND version_number > 10", max_results=2_000)) == 990


def serving(model: str) -> ModelVersion | None:
    row = Alias.objects.filter(model__name=model, name="champion").select_related("version").first()
    return row.version if row else None


def test_the_champion_moves_through_this_door_only_as_the_gates_say(
    client_of: Become, colleague: User, family: ModelFamily, make_champion: MakeVersion, make_version: MakeVersion,
    evaluate: Evaluate, atlanta: Segment,
) -> None:  # fmt: skip
    champion, name = make_champion(atlanta), "eta-trip.atlanta"
    candidate = make_version(atlanta)
    evaluate(candidate)
    client_of(colleague)
    client = MlflowClient()
    attempts: list[Callable[[], object]] = [
        lambda: client.set_registered_model_alias(name, "champion", str(candidate.number)),
        lambda: client.delete_registered_model_alias(name, "champion"),
        lambda: client.transition_model_version_stage(name, str(candidate.number), "Production"),
        lambda: client.transition_model_version_stage(name, str(champion.number), "Archived"),
        lambda: client.delete_model_version(name, str(champion.number)),
        lambda: client.delete_registered_model(name),
        lambda: client.rename_registered_model(name, "mine"),
    ]
    for attempt in attempts:
        with pytest.raises(RestException, match=r"PERMISSION_DENIED: .{20,}"):
            attempt()
        assert serving(name) == champion
    assert client.get_model_version_by_alias(name, "champion").version == str(champion.number)


def test_a_stranger_changes_nothing(client: MlflowClient, client_of: Become, stranger: User) -> None:
    client.create_registered_model("mine")
    client.create_model_version("mine", S3)
    client_of(stranger)
    theirs = MlflowClient()
    for attempt in (
        lambda: theirs.create_model_version("mine", S3),
        lambda: theirs.set_registered_model_tag("mine", "a", "b"),
        lambda: theirs.set_registered_model_alias("mine", "prod", "1"),
        lambda: theirs.delete_registered_model("mine"),
    ):
        with pytest.raises(RestException, match="PERMISSION_DENIED"):
            attempt()
    assert theirs.get_model_version("mine", "1").source == S3


def test_nobody_registers_a_file_of_the_server(client: MlflowClient, tmp_path: Path) -> None:
    client.create_registered_model("mine")
    with pytest.raises(RestException, match="INVALID_PARAMETER_VALUE: Invalid model version source"):
        client.create_model_version("mine", str(tmp_path))


@pytest.fixture
def trained(client: MlflowClient, family: ModelFamily) -> str:
    """The name of a model that was logged and registered in one call, as training scripts do."""

    from sklearn.linear_model import LinearRegression

    rows = np.arange(8.0).reshape(4, 2)
    with mlflow.start_run():
        mlflow.log_param("alpha", 0.5)
        model = LinearRegression().fit(rows, rows.sum(axis=1))
        mlflow.sklearn.log_model(model, name="model", registered_model_name="eta-trip.atlanta", input_example=rows)
        mlflow.log_metric("mae", 6.5)
    return "eta-trip.atlanta"


def test_a_logged_model_is_a_sealed_version_of_its_family(
    trained: str, owner: User, client: MlflowClient, family: ModelFamily, speak: Speak
) -> None:
    version = version_of(actor=owner, model=trained, number=1)
    assert (version.model.family, version.status, len(version.digest)) == (family, "READY", 64)
    assert version.run is not None
    assert version.reported_params == {"alpha": "0.5"}
    assert version.signature is not None
    assert version.source == f"models:/{version.logged_model}"
    assert client.get_model_version(trained, "1").run_id == version.run.pk
    _, body = speak(owner).get("model-versions/get", name=trained, version="1")  # the client leaves these out
    assert body["model_version"]["model_params"] == [{"name": "alpha", "value": "0.5"}]
    assert body["model_version"]["model_id"] == version.logged_model


def test_it_loads_by_alias_latest_and_number_on_an_empty_machine(
    trained: str, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.set_registered_model_alias(trained, "try", "1")
    monkeypatch.chdir(tmp_path)
    for address in (f"models:/{trained}@try", f"models:/{trained}/latest", f"models:/{trained}/1"):
        assert mlflow.pyfunc.load_model(address).predict(np.array([[1.0, 2.0]]))[0] == pytest.approx(3.0)


def test_it_loads_though_the_run_logs_on_and_is_deleted(trained: str, client: MlflowClient) -> None:
    run = client.get_model_version(trained, "1").run_id
    client.log_text(run, "other", "model/MLmodel")
    client.delete_run(run)
    assert mlflow.pyfunc.load_model(f"models:/{trained}/1").predict(np.array([[1.0, 2.0]]))[0] == pytest.approx(3.0)


def test_a_folder_is_uploaded_and_registered_without_a_run(
    client: MlflowClient, owner: User, web: Any, tmp_path: Path
) -> None:
    folder, upload = tmp_path / "model", f"uploads/{uuid.uuid4()}"
    folder.mkdir()
    (folder / "weights.json").write_text("{}")
    address = f"{web.address}/api/2.0/mlflow-artifacts/artifacts/{upload}"
    get_artifact_repository(address).log_artifacts(str(folder))
    client.create_registered_model("mine")
    for number, source in enumerate((address, f"mlflow-artifacts:/{upload}"), start=1):
        version = client.create_model_version("mine", source)
        assert (version.status, version_of(actor=owner, model="mine", number=number).its_tree.is_sealed) == (
            "READY",
            True,
        )
        downloaded = Path(mlflow.artifacts.download_artifacts(f"models:/mine/{number}"))
        assert (downloaded / "weights.json").read_text() == "{}"


def test_a_folder_of_a_run_is_registered(client: MlflowClient, owner: User) -> None:
    with mlflow.start_run() as run:
        mlflow.log_text("{}", "model/weights.json")
        mlflow.log_text("beside it", "notes.txt")
    client.create_registered_model("mine")
    client.create_model_version("mine", f"runs:/{run.info.run_id}/model", run_id=run.info.run_id)
    sealed = version_of(actor=owner, model="mine", number=1)
    assert [file.path for file in sealed.its_tree.files.all()] == ["weights.json"]
    assert sealed.its_tree.is_sealed
