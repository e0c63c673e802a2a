"""Webhooks through MLflow's door: its words, its sentences, its shapes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import Team, User
from apps.notifications.models import Webhook
from tests.mlflow_protocol.conftest import PREFIXES, Speak, refusal
from tests.notifications.receivers import Receiver, receiving

pytestmark = pytest.mark.django_db
CREATED = {"entity": "MODEL_VERSION", "action": "CREATED"}
ALIAS_SET = {"entity": "MODEL_VERSION_ALIAS", "action": "CREATED"}


@pytest.fixture(autouse=True)
def inside_is_allowed(settings: Settings) -> None:
    settings.WEBHOOK_SCHEMES = ["https", "http"]
    settings.WEBHOOK_PRIVATE_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def wanted(receiver: Receiver) -> dict[str, Any]:
    return {"name": "ci", "url": receiver.address, "events": [CREATED]}


def test_a_webhook_lives_and_dies(admin: User, speak: Speak, wanted: dict[str, Any]) -> None:
    client = speak(admin)
    status, body = client.post("webhooks", **wanted, description="d", secret="s")
    made = body["webhook"]
    assert (status, set(made)) == (
        200,
        {
            "webhook_id",
            "name",
            "description",
            "url",
            "events",
            "status",
            "creation_timestamp",
            "last_updated_timestamp",
        },
    )
    assert (made["status"], made["events"]) == ("ACTIVE", [CREATED])
    address = f"webhooks/{made['webhook_id']}"
    assert client.get(address) == (200, {"webhook": made})
    _, changed = client.patch(address, status="DISABLED", events=[ALIAS_SET], name="", secret="")
    assert (changed["webhook"]["status"], changed["webhook"]["events"]) == ("DISABLED", [ALIAS_SET])
    assert (changed["webhook"]["name"], changed["webhook"]["description"]) == ("ci", "d")
    assert Webhook.objects.get().sealed_secret == ""
    assert client.delete(address) == (200, {})
    status, gone = client.get(address)
    assert (status, gone["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert gone["message"] == f"Webhook with ID {made['webhook_id']} not found."


def test_the_list_is_paged_the_newest_first(admin: User, speak: Speak, wanted: dict[str, Any]) -> None:
    client = speak(admin)
    for name in ("a", "b", "c"):
        client.post("webhooks", **{**wanted, "name": name})
    _, first = client.get("webhooks", max_results=2)
    _, rest = client.get("webhooks", max_results=2, page_token=first["next_page_token"])
    assert [webhook["name"] for webhook in first["webhooks"] + rest["webhooks"]] == ["c", "b", "a"]
    assert "next_page_token" not in rest
    for wrong in (0, 1001):
        status, body = client.get("webhooks", max_results=wrong)
        assert (status, body["message"]) == (400, "max_results must be between 1 and 1000.")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": None}, "Missing value for required parameter 'name'"),
        ({"events": []}, "Webhook events must be a non-empty list"),
        ({"name": "-a"}, "Webhook name '-a' is invalid. It must start and end with a letter or digit"),
        ({"url": " "}, "Webhook URL cannot be empty or just whitespace: ' '"),
        ({"url": "ftp://x"}, "Invalid webhook URL scheme: 'ftp'. Allowed schemes are: https, http."),
        ({"url": "https://10.0.0.1/"}, "Invalid webhook URL 'https://10.0.0.1/': "),
        ({"events": [{"entity": "PROMPT", "action": "DELETED"}]}, "Valid actions are: ['created']"),
        ({"events": [{"entity": "CAT", "action": "SET"}]}, "for parameter 'events[0].entity'"),
        ({"status": "ASLEEP"}, "for parameter 'status'"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_mlflow_s_words(
    admin: User, speak: Speak, wanted: dict[str, Any], wrong: dict[str, Any], message: str
) -> None:
    status, body = speak(admin).post("webhooks", **{**wanted, **wrong})
    assert (status, body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert message in body["message"]
    assert not Webhook.objects.exists()


def test_a_test_tells_what_came_back(admin: User, speak: Speak, wanted: dict[str, Any], receiver: Receiver) -> None:
    client = speak(admin)
    address = f"webhooks/{client.post('webhooks', **wanted)[1]['webhook']['webhook_id']}/test"
    answered = {"success": True, "response_status": 200, "response_body": "thank you"}
    assert client.post(address) == (200, {"result": answered})
    receiver.will_answer(500, b"oh")
    _, failed = client.post(address, event={"entity": "PROMPT", "action": "CREATED"})
    assert failed["result"] == {"success": False, "response_status": 500, "response_body": "oh"}
    assert [json.loads(call.body)["entity"] for call in receiver.calls] == ["model_version", "prompt"]
    Webhook.objects.update(url="http://127.0.0.1:9/")
    assert "Failed to test webhook" in client.post(address)[1]["result"]["error_message"]


def test_a_lead_s_webhook_is_their_team_s_and_others_find_none(
    approver: User, stranger: User, speak: Speak, wanted: dict[str, Any], team: Team
) -> None:
    status, body = speak(approver).post("webhooks", **wanted)
    assert (status, Webhook.objects.get().team) == (200, team)
    address = f"webhooks/{body['webhook']['webhook_id']}"
    assert "response_body" not in speak(approver).post(f"{address}/test")[1]["result"]
    foreign = speak(stranger)
    assert refusal(foreign.post("webhooks", **wanted)) == (403, "PERMISSION_DENIED")
    assert foreign.get("webhooks") == (200, {})
    for answer in (foreign.get(address), foreign.patch(address, name="x"), foreign.delete(address)):
        assert refusal(answer) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert refusal(foreign.post(f"{address}/test")) == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/latest/meta-data", "http://[::ffff:10.0.0.1]/", "https://10.1.2.3/"]
)
def test_no_webhook_leads_inside(admin: User, speak: Speak, wanted: dict[str, Any], prefix: str, address: str) -> None:
    client = speak(admin)
    assert refusal(client.post(f"{prefix}/2.0/mlflow/webhooks", **{**wanted, "url": address}))[0] == 400
    kept = client.post("webhooks", **wanted)[1]["webhook"]["webhook_id"]
    assert refusal(client.patch(f"{prefix}/2.0/mlflow/webhooks/{kept}", url=address))[0] == 400
    Webhook.objects.update(url=address)
    result = client.post(f"{prefix}/2.0/mlflow/webhooks/{kept}/test")[1]["result"]
    assert (result["success"], "not a public address" in result["error_message"]) == (False, True)
