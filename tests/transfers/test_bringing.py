"""A version of a model that lies on the company's own MLflow server: registered, copied, ready; or failed with why."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.artifacts.queries import files_of, local_path
from apps.core.errors import Conflict
from apps.platforms.models import Connection
from apps.registry.actions import Origin
from apps.registry.models import ModelVersion, RegisteredModel
from apps.transfers import actions, bringing
from apps.transfers.models import Transfer
from tests.threads import together
from tests.transfers.conftest import FILES, MODEL_ID, RUN_ID
from tests.transfers.servers import Elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
LOGGED = Origin(f"models:/{MODEL_ID}", logged_model=MODEL_ID)


def register(owner: User, model: RegisteredModel, origin: Origin = LOGGED) -> ModelVersion:
    return actions.register_from_elsewhere(actor=owner, model=model, origin=origin, tags={"a": "b"})


def now(version: ModelVersion) -> ModelVersion:
    return ModelVersion.objects.select_related("tree").get(pk=version.pk)


def let_time_pass() -> None:
    Transfer.objects.filter(status="waiting").update(next_at=timezone.now() - timedelta(seconds=1))
    Transfer.objects.filter(status="working").update(lease_until=timezone.now() - timedelta(seconds=1))


def contents(version: ModelVersion) -> dict[str, bytes]:
    assert version.tree
    return {file.path: local_path(file).read_bytes() for file in files_of(version.tree)}


def test_a_logged_model_waits_is_copied_and_is_ready_with_its_digests(
    owner: User, model: RegisteredModel, connection: Connection, server: Elsewhere
) -> None:
    version = register(owner, model)
    assert (version.status, server.calls) == ("PENDING_REGISTRATION", [])
    assert bringing.bring_next()
    ready = now(version)
    assert (ready.status, len(ready.digest), contents(ready)) == ("READY", 64, FILES)
    assert (ready.reported_params, ready.run_ref) == ({"alpha": "1"}, RUN_ID)
    assert [metric["key"] for metric in ready.reported_metrics] == ["mae"]
    assert server.authorization == {"Bearer t0ken"}
    assert not bringing.bring_next()


def test_a_folder_of_a_run_is_copied(owner: User, model: RegisteredModel, connection: Connection) -> None:
    by_run = register(owner, model, Origin(f"runs:/{RUN_ID}/model", run_ref=RUN_ID))
    by_uri = register(owner, model, Origin(f"mlflow-artifacts:/1/{RUN_ID}/artifacts/model", run_ref=RUN_ID))
    while bringing.bring_next():
        pass
    assert contents(now(by_run)) == contents(now(by_uri)) == {"MLmodel": b"old"}


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        (
            Origin("models:/m-" + "c" * 32, logged_model="m-" + "c" * 32),
            "None of the connected MLflow servers (tracking)",
        ),
        (Origin(f"runs:/{'d' * 32}/model", run_ref="d" * 32), "knows run dddd"),
        (Origin(f"runs:/{RUN_ID}/nothing", run_ref=RUN_ID), "has no files there"),
        (Origin(f"mlflow-artifacts:/2/{RUN_ID}/artifacts/model", run_ref=RUN_ID), "is not below the files of run"),
        (Origin(f"runs:/{RUN_ID}/../../secret", run_ref=RUN_ID), "is not a plain relative path"),
    ],
)
def test_what_can_not_be_copied_fails_with_a_sentence(
    owner: User, model: RegisteredModel, connection: Connection, origin: Origin, reason: str
) -> None:
    version = register(owner, model, origin)
    bringing.bring_next()
    failed = now(version)
    assert failed.status == "FAILED_REGISTRATION"
    assert reason in failed.status_message


def test_files_that_the_server_does_not_serve_itself_are_not_fetched(
    owner: User, model: RegisteredModel, connection: Connection, server: Elsewhere
) -> None:
    server.logged_models[MODEL_ID]["info"]["artifact_uri"] = "http://169.254.169.254/latest"
    version = register(owner, model)
    bringing.bring_next()
    assert "does not serve itself" in now(version).status_message


def test_names_of_files_stay_inside(
    owner: User, model: RegisteredModel, connection: Connection, server: Elsewhere
) -> None:
    server.files[f"1/models/{MODEL_ID}/artifacts/..%2f..%2fevil"] = b"x"
    version = register(owner, model)
    bringing.bring_next()
    assert now(version).status == "FAILED_REGISTRATION"


def test_a_server_in_trouble_is_asked_again(
    owner: User, model: RegisteredModel, connection: Connection, server: Elsewhere
) -> None:
    version, server.broken = register(owner, model), 1
    bringing.bring_next()
    waiting = Transfer.objects.get()
    assert (waiting.status, "answered 503" in waiting.problem) == ("waiting", True)
    assert waiting.next_at > timezone.now()
    let_time_pass()
    server.cut = True
    bringing.bring_next()
    assert "broke off" in Transfer.objects.get().problem
    server.cut = False
    let_time_pass()
    bringing.bring_next()
    assert (now(version).status, contents(now(version))) == ("READY", FILES)


def test_what_never_succeeds_fails_in_the_end(
    owner: User, model: RegisteredModel, connection: Connection, server: Elsewhere
) -> None:
    version, server.broken = register(owner, model), 1_000
    for _ in range(6):
        bringing.bring_next()
        let_time_pass()
    assert now(version).status == "FAILED_REGISTRATION"
    assert "answered 503" in now(version).status_message


def test_what_a_lost_worker_had_is_copied_by_another_once(
    owner: User, model: RegisteredModel, connection: Connection
) -> None:
    version = register(owner, model)
    lost = actions.claim_transfer()
    assert lost
    let_time_pass()
    assert actions.take_back() == 1
    let_time_pass()
    assert bringing.bring_next()
    with pytest.raises(Conflict):
        actions.finish(claimed=lost, connection=connection)
    assert not actions.renew(claimed=lost)
    assert now(version).status == "READY"


def test_two_workers_copy_a_version_once(
    owner: User, model: RegisteredModel, connection: Connection, server: Elsewhere
) -> None:
    register(owner, model)
    together(bringing.bring_next, bringing.bring_next)
    assert len([call for call in server.calls if call.endswith("/MLmodel")]) == 1


def test_afterwards_the_server_is_not_needed(
    owner: User, model: RegisteredModel, connection: Connection, server: Elsewhere
) -> None:
    version = register(owner, model)
    bringing.bring_next()
    server.files.clear()
    server.broken = 1_000
    assert contents(now(version)) == FILES


def test_without_a_connection_it_is_refused_at_once(owner: User, model: RegisteredModel) -> None:
    with pytest.raises(Conflict, match="No MLflow server is connected"):
        register(owner, model)
    assert not ModelVersion.objects.exists()
