"""API of webhooks and deliveries."""

import pytest

from apps.accounts.models import Team, User
from apps.notifications import sending
from apps.notifications.models import Webhook
from apps.registry.models import Segment
from tests.conftest import api
from tests.notifications.conftest import MakeWebhook, read_everything
from tests.notifications.receivers import Receiver
from tests.registry.conftest import MakeVersion

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_webhook_lives_and_dies_over_the_api(admin: User, receiver: Receiver, team: Team) -> None:
    client = api(admin)
    sent = {"name": "ci", "url": receiver.address, "events": ["model_version.created"], "secret": "abc"}
    made = client.post("/api/v1/webhooks/", {**sent, "team": team.slug}, format="json")
    assert made.status_code == 201, made.data
    assert (made.data["signed"], made.data["team"], "secret" in made.data) == (True, team.slug, False)
    address = f"/api/v1/webhooks/{made.data['id']}/"
    assert client.get("/api/v1/webhooks/").data["results"] == [client.get(address).data]
    changed = client.patch(address, {"status": "DISABLED", "secret": ""}, format="json")
    assert (changed.data["status"], changed.data["signed"], changed.data["name"]) == ("DISABLED", False, "ci")
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_a_test_answers_its_body_to_admins_only(
    admin: User, approver: User, team: Team, make_webhook: MakeWebhook
) -> None:
    address = f"/api/v1/webhooks/{make_webhook(team=team).uuid}/test/"
    result = api(admin).post(address, {"event": "prompt.created"}, format="json").data
    assert result == {"success": True, "response_status": 200, "response_body": "thank you", "problem": ""}
    assert api(approver).post(address, {}, format="json").data["response_body"] == ""


def test_deliveries_are_listed_with_their_tries_and_sent_again(
    admin: User, make_webhook: MakeWebhook, receiver: Receiver, make_version: MakeVersion, atlanta: Segment
) -> None:
    webhook, client = make_webhook(), api(admin)
    receiver.will_answer(503)
    make_version(atlanta)
    read_everything()
    sending.send_due()
    (listed,) = client.get(f"/api/v1/webhooks/{webhook.uuid}/deliveries/").data["results"]
    assert (listed["status"], listed["response_status"], listed["of"]) == ("waiting", 503, "eta-trip.atlanta v1")
    assert [attempt["problem"] for attempt in listed["attempts"]] == ["It answered 503."]
    assert listed["next_try"]
    again = f"/api/v1/deliveries/{listed['id']}/send-again/"
    assert client.post(again).status_code == 409
    receiver.will_answer(400)
    webhook.deliveries.update(next_at="2020-01-01T00:00Z")
    sending.send_due()
    assert client.post(again).status_code == 202
    sending.send_due()
    assert client.get(f"/api/v1/deliveries/{listed['id']}/").data["status"] == "delivered"


def test_others_and_tokens_of_another_scope_change_nothing(
    admin: User, stranger: User, owner: User, make_webhook: MakeWebhook, receiver: Receiver
) -> None:
    address = f"/api/v1/webhooks/{make_webhook().uuid}/"
    for person in (stranger, owner):
        assert api(person).get(address).status_code == 404
        assert api(person).get("/api/v1/webhooks/").data["count"] == 0
        sent = {"name": "x", "url": receiver.address, "events": ["prompt.created"]}
        assert api(person).post("/api/v1/webhooks/", sent, format="json").status_code == 403
    reader = api(admin, scope=["read", "registry:write"])
    assert reader.patch(address, {"name": "y"}, format="json").status_code == 403
    assert reader.post(f"{address}test/", {}, format="json").status_code == 403
    assert reader.delete(address).status_code == 403
    assert Webhook.objects.get().name == "ci"


@pytest.mark.parametrize(
    "sent", [{}, {"name": "x"}, {"name": "x", "url": "https://8.8.8.8/", "events": ["x"]}, {"name": "x\0", "url": ""}]
)
def test_bad_input_is_a_sentence(admin: User, sent: dict[str, object]) -> None:
    answered = api(admin).post("/api/v1/webhooks/", sent, format="json")
    assert answered.status_code == 400
    assert answered.data["message"]
