"""Deliveries: one per event and destination, tried again until taken, lost with no worker."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.audit.actions import record
from apps.core.errors import Conflict, Denied
from apps.notifications import actions, queries, sending
from apps.notifications.carriers import Outcome
from apps.notifications.models import Attempt, Cursor, Delivery, Webhook
from apps.registry.events import Event
from apps.registry.models import ModelVersion, Segment
from tests.notifications.conftest import MakeWebhook, read_everything
from tests.notifications.receivers import Receiver
from tests.registry.conftest import MakeVersion
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def webhook(make_webhook: MakeWebhook) -> Webhook:
    return make_webhook()


@pytest.fixture
def version(webhook: Webhook, make_version: MakeVersion, atlanta: Segment) -> ModelVersion:
    """Registered while the webhook listens, and read from the audit: one delivery waits."""
    made = make_version(atlanta)
    read_everything()
    return made


def only() -> Delivery:
    return Delivery.objects.get()


def let_time_pass() -> None:
    """All waits and leases are over."""
    Delivery.objects.filter(status="waiting").update(next_at=timezone.now() - timedelta(seconds=1))
    Delivery.objects.filter(status="sending").update(lease_until=timezone.now() - timedelta(seconds=1))


def test_reading_again_from_the_beginning_makes_no_second_delivery(version: ModelVersion) -> None:
    Cursor.objects.update(transaction=0, event=0)
    read_everything()
    assert only().status == "waiting"


def test_what_was_rolled_back_is_never_sent(webhook: Webhook, make_version: MakeVersion, atlanta: Segment) -> None:
    with transaction.atomic():
        make_version(atlanta)
        transaction.set_rollback(True)
    record(actor=webhook.created_by, action=Event.FAMILY_UPDATED, target=webhook)
    read_everything()
    assert not Delivery.objects.exists()


def test_a_slow_transaction_with_a_smaller_id_is_not_skipped(
    webhook: Webhook, make_version: MakeVersion, atlanta: Segment, boston: Segment
) -> None:
    written, release = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            make_version(atlanta)
            written.set()
            release.wait(30)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(30)
    make_version(boston, content='{"other": 1}')
    actions.read_outbox()
    early = Delivery.objects.filter(webhook=webhook).count()
    release.set()
    thread.join()
    read_everything()
    assert early == 0
    assert [row.event.target_name for row in Delivery.objects.select_related("event").order_by("id")] == [
        "eta-trip.atlanta v1",
        "eta-trip.boston v1",
    ]


def test_four_readers_and_four_senders_at_once_send_each_delivery_once(
    webhook: Webhook, receiver: Receiver, make_version: MakeVersion, atlanta: Segment
) -> None:
    for number in range(5):
        make_version(atlanta, content=f"{{}}{number}")
    together(*[read_everything] * 4)
    together(*[sending.send_due] * 4)
    sending.send_due()
    assert len(receiver.calls) == Delivery.objects.filter(status="delivered").count() == 5
    assert len({call.headers["x-mlflow-delivery-id"] for call in receiver.calls}) == 5


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_a_receiver_in_trouble_is_tried_again_under_the_same_id(
    version: ModelVersion, receiver: Receiver, status: int
) -> None:
    receiver.will_answer(status)
    sending.send_due()
    waiting = only()
    assert (waiting.status, waiting.response_status, waiting.problem) == ("waiting", status, f"It answered {status}.")
    assert waiting.next_at > timezone.now()
    let_time_pass()
    sending.send_due()
    assert only().status == "delivered"
    first, second = (call.headers["x-mlflow-delivery-id"] for call in receiver.calls)
    assert first == second
    assert list(Attempt.objects.values_list("number", "response_status")) == [(1, status), (2, 200)]


def test_each_wait_is_longer_and_the_last_try_ends_it(
    version: ModelVersion, receiver: Receiver, settings: Settings
) -> None:
    waits = []
    for _ in range(settings.WEBHOOK_TRIES):
        receiver.will_answer(500)
        before = timezone.now()
        sending.send_due()
        waits.append((only().next_at - before).total_seconds())
        let_time_pass()
    assert only().status == "failed"
    assert len(receiver.calls) == settings.WEBHOOK_TRIES
    assert all(later > 2 * earlier for earlier, later in pairwise(waits[:-1]))


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_that_asks_for_an_hour_gets_it(version: ModelVersion, receiver: Receiver, form: str) -> None:
    in_an_hour = (timezone.now() + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    receiver.will_answer(503, Retry_After="3600" if form == "seconds" else in_an_hour)
    sending.send_due()
    wait = only().next_at - timezone.now()
    assert timedelta(minutes=50) < wait <= timedelta(hours=1)


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_final(version: ModelVersion, receiver: Receiver, status: int) -> None:
    receiver.will_answer(status)
    sending.send_due()
    assert (only().status, only().response_status) == ("failed", status)


def test_no_redirect_is_followed(version: ModelVersion, receiver: Receiver) -> None:
    receiver.will_answer(307, Location=receiver.address)
    sending.send_due()
    assert only().status == "failed"
    assert "no redirect is followed" in only().problem
    assert len(receiver.calls) == 1


def test_a_network_that_is_no_longer_allowed_is_not_called(
    version: ModelVersion, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = []
    sending.send_due()
    assert only().status == "failed"
    assert "not a public address" in only().problem
    assert receiver.calls == []


def test_a_receiver_that_hangs_is_given_up_after_its_time(
    version: ModelVersion, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.3
    receiver.hold = threading.Event()
    sending.send_due()
    assert (only().status, only().problem) == ("waiting", "It did not answer within 0.3 seconds.")


def test_a_receiver_that_hangs_holds_up_no_other(
    version: ModelVersion, make_webhook: MakeWebhook, make_version: MakeVersion, atlanta: Segment
) -> None:
    make_webhook(name="other")
    make_version(atlanta)
    read_everything()
    claimed = actions.claim_delivery()
    assert claimed
    assert claimed.delivery.webhook
    assert claimed.delivery.webhook.name == "ci"
    other = actions.claim_delivery()
    assert other
    assert other.delivery.webhook
    assert other.delivery.webhook.name == "other"
    assert actions.claim_delivery() is None  # the second one for "ci" waits until the first is through


def test_what_a_lost_worker_held_is_sent_by_another_under_the_same_id(
    version: ModelVersion, receiver: Receiver
) -> None:
    lost = actions.claim_delivery()
    assert lost
    assert actions.take_back() == 0
    let_time_pass()
    assert actions.take_back() == 1
    sending.send_due()
    assert only().status == "delivered"
    with pytest.raises(Conflict):
        actions.finish_delivery(claimed=lost, outcome=Outcome(problem="late", final=True), seconds=1.0)
    assert only().status == "delivered"
    assert receiver.calls[0].headers["x-mlflow-delivery-id"] == str(lost.delivery.uuid)


def test_a_delivery_is_sent_again_on_demand(
    version: ModelVersion, receiver: Receiver, admin: User, stranger: User, webhook: Webhook
) -> None:
    receiver.will_answer(400)
    sending.send_due()
    with pytest.raises(Denied):
        actions.send_again(actor=stranger, delivery=queries.delivery(actor=admin, delivery_id=str(only().uuid)))
    actions.send_again(actor=admin, delivery=queries.delivery(actor=admin, delivery_id=str(only().uuid)))
    with pytest.raises(Conflict, match="can not become"):
        actions.send_again(actor=admin, delivery=only())
    sending.send_due()
    assert only().status == "delivered"
    assert [attempt.response_status for attempt in only().attempts.all()] == [400, 200]
    actions.update_webhook(actor=admin, webhook=webhook, status="DISABLED")
    with pytest.raises(Conflict, match="switched off"):
        actions.send_again(actor=admin, delivery=only())


def test_a_lost_key_is_a_sentence_and_no_crash(
    make_webhook: MakeWebhook, make_version: MakeVersion, atlanta: Segment, settings: Settings
) -> None:
    make_webhook(secret="abc")
    make_version(atlanta)
    read_everything()
    settings.ENCRYPTION_KEYS = ["b25seS1mb3ItY2hlY2tzLW5vLXNlcnZlci1zdGFydHM="]
    sending.send_due()
    assert only().status == "failed"
    assert "ENCRYPTION_KEYS" in only().problem
