"""Pages of webhooks."""

import pytest
from django.test import Client

from apps.accounts.models import Team, User
from apps.notifications import actions, sending
from apps.notifications.models import Delivery, Webhook
from apps.registry.models import Segment
from tests.conftest import signed_in
from tests.notifications.conftest import MakeWebhook, read_everything
from tests.notifications.receivers import Receiver
from tests.registry.conftest import MakeVersion

pytestmark = pytest.mark.django_db(transaction=True)


def text(response: object) -> str:
    return " ".join(response.content.decode().split())  # type: ignore[attr-defined]


@pytest.fixture
def browser(admin: User) -> Client:
    return signed_in(admin)


def page_of(webhook: Webhook) -> str:
    return f"/webhooks/{webhook.uuid}/"


def test_a_lead_makes_a_webhook_for_their_team(approver: User, team: Team, receiver: Receiver) -> None:
    browser = signed_in(approver)
    form = browser.get("/webhooks/new/")
    assert "Everything unrestricted" not in text(form)
    sent = {"name": "ci", "url": receiver.address, "events": ["model_version.created"], "team": team.slug}
    response = browser.post("/webhooks/new/", {**sent, "secret": "abc"})
    made = Webhook.objects.get()
    assert (response.status_code, response["Location"]) == (302, page_of(made))
    assert (made.team, made.created_by, bool(made.sealed_secret)) == (team, approver, True)


def test_what_is_wrong_stands_at_its_field(browser: Client) -> None:
    sent = {"name": "a b", "url": "http://10.0.0.1/", "events": ["model_version.created"]}
    response = browser.post("/webhooks/new/", sent)
    assert response.status_code == 400
    assert "is invalid. It must start and end" in text(response)
    response = browser.post("/webhooks/new/", sent | {"name": "ab"})
    assert "not a public address" in text(response)


def test_editing_keeps_the_secret_unless_told_otherwise(browser: Client, make_webhook: MakeWebhook) -> None:
    webhook = make_webhook(secret="abc")
    kept = {"name": "renamed", "url": webhook.url, "events": ["prompt.created"], "status": "DISABLED"}
    form = browser.get(f"{page_of(webhook)}edit/")
    assert "abc" not in text(form).replace("Letters", "")
    assert browser.post(f"{page_of(webhook)}edit/", kept).status_code == 302
    webhook.refresh_from_db()
    assert (webhook.name, webhook.events, webhook.status) == ("renamed", ["prompt.created"], "DISABLED")
    assert webhook.sealed_secret
    browser.post(f"{page_of(webhook)}edit/", kept | {"without_secret": "on"})
    webhook.refresh_from_db()
    assert webhook.sealed_secret == ""


def test_the_log_shows_every_try_and_sends_again(
    browser: Client, make_webhook: MakeWebhook, receiver: Receiver, make_version: MakeVersion, atlanta: Segment
) -> None:
    webhook = make_webhook()
    assert "Nothing sent yet" in text(browser.get(page_of(webhook)))
    receiver.will_answer(410)
    make_version(atlanta)
    read_everything()
    sending.send_due()
    shown = text(browser.get(page_of(webhook)))
    assert "eta-trip.atlanta v1" in shown
    assert "It answered 410." in shown
    delivery = Delivery.objects.get()
    browser.post(f"/webhooks/deliveries/{delivery.uuid}/send-again/")
    sending.send_due()
    assert "Delivered" in text(browser.get(page_of(webhook)))


def test_a_test_says_what_came_back(
    browser: Client, make_webhook: MakeWebhook, receiver: Receiver, approver: User, team: Team
) -> None:
    webhook = make_webhook(team=team)
    answered = browser.post(f"{page_of(webhook)}test/", {"event": "prompt.created"}, follow=True)
    assert "It answered 200: thank you" in text(answered)
    lead = signed_in(approver).post(f"{page_of(webhook)}test/", {"event": "prompt.created"}, follow=True)
    assert "It answered 200" in text(lead)
    assert "thank you" not in text(lead)
    receiver.will_answer(302, Location="http://127.0.0.1/")
    redirected = browser.post(f"{page_of(webhook)}test/", {"event": "prompt.created"}, follow=True)
    assert "no redirect is followed" in text(redirected)


def test_a_deleted_webhook_is_gone(browser: Client, make_webhook: MakeWebhook) -> None:
    webhook = make_webhook()
    assert browser.post(f"{page_of(webhook)}delete/").status_code == 302
    assert browser.get(page_of(webhook)).status_code == 404
    assert "No webhooks" in text(browser.get("/webhooks/"))


def test_nobody_else_finds_any_of_it(make_webhook: MakeWebhook, owner: User, stranger: User) -> None:
    webhook = make_webhook()
    for person in (owner, stranger):
        browser = signed_in(person)
        assert "ci" not in text(browser.get("/webhooks/")).split("<main")[1].split()
        assert browser.get("/webhooks/new/").status_code == 403
        for place in ("", "edit/"):
            assert browser.get(f"{page_of(webhook)}{place}").status_code == 404
        for place in ("delete/", "test/"):
            assert browser.post(f"{page_of(webhook)}{place}").status_code == 404


def test_a_page_of_many_deliveries_asks_the_database_no_more_often(
    browser: Client, make_webhook: MakeWebhook, make_version: MakeVersion, atlanta: Segment,
    django_assert_max_num_queries: object,
) -> None:  # fmt: skip
    webhook = make_webhook()
    for number in range(6):
        make_version(atlanta, content=f"{{}}{number}")
    read_everything()
    actions.claim_delivery()
    with django_assert_max_num_queries(15):  # type: ignore[operator]
        browser.get(page_of(webhook))
