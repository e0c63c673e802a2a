"""The registry's client with its tracking on the company's own MLflow server: pending, then ready or failed."""

import pytest

from apps.accounts.models import User
from apps.platforms.models import Connection
from apps.transfers import bringing
from tests.mlflow_protocol.conftest import Speak, refusal
from tests.transfers.conftest import MODEL_ID, RUN_ID, connection, server

__all__ = ["connection", "server"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "sent",
    [
        {"source": f"models:/{MODEL_ID}", "model_id": MODEL_ID},
        {"source": f"runs:/{RUN_ID}/model", "run_id": RUN_ID},
        {"source": f"mlflow-artifacts:/1/{RUN_ID}/artifacts/model", "run_id": RUN_ID},
    ],
)
def test_a_pointer_to_the_connected_server_becomes_a_version(
    owner: User, speak: Speak, connection: Connection, sent: dict[str, str]
) -> None:
    client = speak(owner)
    client.post("registered-models/create", name="alone")
    status, body = client.post("model-versions/create", name="alone", **sent)
    assert (status, body["model_version"]["status"]) == (200, "PENDING_REGISTRATION")
    bringing.bring_next()
    _, body = client.get("model-versions/get", name="alone", version="1")
    assert (body["model_version"]["status"], body["model_version"]["source"]) == ("READY", sent["source"])


def test_what_the_server_does_not_know_fails_with_the_reason(owner: User, speak: Speak, connection: Connection) -> None:
    client, unknown = speak(owner), "m-" + "e" * 32
    client.post("registered-models/create", name="alone")
    client.post("model-versions/create", name="alone", source=f"models:/{unknown}", model_id=unknown)
    bringing.bring_next()
    _, body = client.get("model-versions/get", name="alone", version="1")
    assert body["model_version"]["status"] == "FAILED_REGISTRATION"
    assert f"knows {unknown}" in body["model_version"]["status_message"]


def test_without_a_connected_server_it_is_refused_at_once(owner: User, speak: Speak) -> None:
    client = speak(owner)
    client.post("registered-models/create", name="alone")
    answer = client.post("model-versions/create", name="alone", source=f"models:/{MODEL_ID}", model_id=MODEL_ID)
    assert refusal(answer) == (400, "INVALID_PARAMETER_VALUE")
