"""People are told by mail and in their team's channel: those whom it concerns, once, with a link."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import Team, User
from apps.audit.words import Word
from apps.catalog.actions import accept_decision
from apps.core.errors import Conflict, Denied, Invalid
from apps.notifications import actions, sending
from apps.notifications.mlflow_events import TOLD_WORDS
from apps.notifications.models import Channel, Cursor, Delivery, Kind, MailChoice
from apps.notifications.notices import NOTICES
from apps.registry.actions import approve, propose, reject, rollback
from apps.registry.gates import day
from apps.registry.models import ModelFamily, Segment, Wave
from tests.catalog.conftest import (
    MakeDecision,
    airflow,
    board,
    editor,
    make_decision,
    make_tool,
    orchestration,
    second_of_board,
    text,
)
from tests.conftest import api, signed_in
from tests.factories import UserFactory, put_into
from tests.notifications.conftest import read_everything
from tests.notifications.postboxes import Postbox, mail_server
from tests.notifications.receivers import Receiver
from tests.registry.conftest import Evaluate, MakeVersion

__all__ = ["airflow", "board", "editor", "make_decision", "make_tool", "orchestration", "second_of_board", "text"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def postbox(settings: Settings) -> Iterator[Postbox]:
    with mail_server() as made:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", made.port
        settings.PORTAL_URL = "https://portal.example.org"
        yield made


@pytest.fixture(autouse=True)
def addresses(approver: User, colleague: User, owner: User, stranger: User) -> None:
    for person in (approver, colleague, owner, stranger):
        User.objects.filter(pk=person.pk).update(email=f"{person.username}@example.org")


@pytest.fixture
def wave(family: ModelFamily, make_version: MakeVersion, evaluate: Evaluate, atlanta: Segment, colleague: User) -> Wave:
    """Proposed by the colleague, made by the owner; the lead may approve it."""
    version = make_version(atlanta)
    evaluate(version)
    return propose(actor=colleague, family=family, versions=[version], reason="July is <hot> & new")


def deliver() -> None:
    read_everything()
    sending.send_due()


def told(postbox: Postbox) -> list[tuple[str, str]]:
    """To whom, and the subject without the product's name."""
    return sorted((mail["To"], mail["Subject"].removeprefix("[ML Portal] ")) for mail in postbox.mails)


def test_who_can_approve_is_mailed_with_the_reason_and_a_link(wave: Wave, postbox: Postbox) -> None:
    deliver()
    assert told(postbox) == [("approver@example.org", f"Colleague asks for your approval: {wave}")]
    letter = postbox.letter("approver@example.org")
    assert "July is <hot> & new" in letter
    assert f"https://portal.example.org/promotions/{wave.pk}/" in letter
    assert "First champions: nothing served before." in letter
    assert f"It expires on {day(wave.expires_at.date())}." in letter
    assert "You are told because you may decide this." in letter
    assert "https://portal.example.org/notices/" in letter


def test_a_mail_carries_the_deliverys_id_so_that_a_repetition_shows(wave: Wave, postbox: Postbox) -> None:
    deliver()
    (mail,) = postbox.mails
    assert mail["Message-ID"] == f"<{Delivery.objects.get(person__isnull=False).uuid}@portal.example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_the_proposer_hears_of_the_answer(wave: Wave, postbox: Postbox, approver: User) -> None:
    deliver()
    postbox.mails.clear()
    reject(actor=approver, wave=wave, digest=wave.digest, reason="not yet")
    deliver()
    assert told(postbox) == [("colleague@example.org", f"Approver rejected {wave}")]
    assert "not yet" in postbox.letter("colleague@example.org")


def test_whom_it_no_longer_concerns_is_not_mailed_late(wave: Wave, postbox: Postbox, approver: User) -> None:
    read_everything()
    approve(actor=approver, wave=wave, digest=wave.digest)
    deliver()
    assert told(postbox) == [("colleague@example.org", f"Approver approved {wave}")]
    dropped = Delivery.objects.get(person=approver)
    assert (dropped.status, "decided meanwhile" in dropped.problem) == ("dropped", True)


def test_a_rollback_of_many_cities_is_one_mail(
    postbox: Postbox, family: ModelFamily, make_champion: MakeVersion, atlanta: Segment, boston: Segment,
    approver: User, team: Team,
) -> None:  # fmt: skip
    second = put_into(team, UserFactory.create(username="second", email="second@example.org"), "lead")
    for city in (atlanta, boston):
        make_champion(city)
    champions = [make_champion(city, content='{"newer": 1}') for city in (atlanta, boston)]
    deliver()
    postbox.mails.clear()
    back = rollback(actor=second, family=family, versions=champions, reason="3 a.m.")
    deliver()
    ((to, subject),) = told(postbox)
    assert to == "approver@example.org"
    assert subject == "Second rolled back to eta-trip.atlanta v1 and 1 more"
    letter = postbox.letter(to)
    assert all(
        said in letter
        for said in (
            "3 a.m.",
            "eta-trip.boston v1",
            f"https://portal.example.org/promotions/rollbacks/{back.rollback.pk}/",
        )
    )


def test_reading_and_sending_again_mails_nobody_twice(wave: Wave, postbox: Postbox) -> None:
    deliver()
    Cursor.objects.update(transaction=0, event=0)
    deliver()
    assert len(postbox.mails) == 1


def test_a_busy_mail_server_is_asked_again_and_an_unknown_address_is_not(wave: Wave, postbox: Postbox) -> None:
    postbox.refusals = ["451 Try later", "550 No such user"]
    deliver()
    delivery = Delivery.objects.get(person__isnull=False)
    assert (delivery.status, delivery.problem) == ("waiting", "The mail server said 451 Try later")
    Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    sending.send_due()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.problem) == ("failed", "The mail server said 550 No such user")


def test_a_mail_server_that_is_away_costs_nothing_but_time(wave: Wave, postbox: Postbox, settings: Settings) -> None:
    there, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    deliver()
    assert "can not be reached" in Delivery.objects.get(person__isnull=False).problem
    settings.EMAIL_PORT = there
    Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    sending.send_due()
    assert len(postbox.mails) == 1


def test_without_a_mail_server_nobody_is_mailed(wave: Wave, settings: Settings) -> None:
    settings.EMAIL_HOST = ""
    read_everything()
    assert not Delivery.objects.exists()


def test_a_person_chooses_what_to_be_mailed(wave: Wave, postbox: Postbox, approver: User) -> None:
    actions.choose_mail(actor=approver, unwanted=[Kind.APPROVALS])
    deliver()
    assert postbox.mails == []
    with pytest.raises(Invalid, match="no kind 'everything'"):
        actions.choose_mail(actor=approver, unwanted=["everything"])


def test_a_person_can_be_left_alone_for_a_while(wave: Wave, postbox: Postbox, approver: User, colleague: User) -> None:
    actions.choose_mail(actor=approver, unwanted=[], muted_until=timezone.now() + timedelta(days=1))
    actions.choose_mail(actor=colleague, unwanted=[], muted_until=timezone.now() - timedelta(days=1))
    reject(actor=approver, wave=wave, digest=wave.digest, reason="no")
    deliver()
    assert [to for to, _ in told(postbox)] == ["colleague@example.org"]


def test_a_teams_channel_is_told_once_in_slacks_words(
    wave: Wave, receiver: Receiver, team: Team, other_team: Team, approver: User, settings: Settings, admin: User
) -> None:
    settings.PORTAL_URL = "https://portal.example.org"
    actions.set_channel(actor=approver, team=team, address=receiver.address)
    actions.set_channel(actor=admin, team=other_team, address=receiver.address)
    deliver()
    (call,) = receiver.calls
    text = json.loads(call.body)["text"]
    assert text.splitlines() == [
        f"*Colleague asks for your approval: {wave}*",
        "July is &lt;hot&gt; &amp; new",
        "First champions: nothing served before.",
        f"It expires on {day(wave.expires_at.date())}.",
        f"<https://portal.example.org/promotions/{wave.pk}/|Open it>",
    ]


def test_a_channels_address_is_kept_like_a_secret(team: Team, approver: User, receiver: Receiver) -> None:
    channel = actions.set_channel(actor=approver, team=team, address=receiver.address)
    assert (channel.host, receiver.address in channel.sealed_address) == ("127.0.0.1", False)
    actions.remove_channel(actor=approver, team=team)
    assert Channel.objects.get().sealed_address == ""
    with pytest.raises(Conflict, match="no channel"):
        actions.greet_channel(actor=approver, team=team)


def test_only_leads_and_admins_set_a_channel(
    team: Team, owner: User, stranger: User, receiver: Receiver, settings: Settings, approver: User
) -> None:
    for person in (owner, stranger):
        with pytest.raises(Denied):
            actions.set_channel(actor=person, team=team, address=receiver.address)
    settings.WEBHOOK_PRIVATE_NETWORKS = []
    with pytest.raises(Invalid, match="not a public address"):
        actions.set_channel(actor=approver, team=team, address=receiver.address)


def test_the_board_is_asked_about_a_decision_and_its_author_hears_the_answer(
    postbox: Postbox, make_decision: MakeDecision, board: User, second_of_board: User, editor: User
) -> None:
    for person in (board, second_of_board, editor):
        User.objects.filter(pk=person.pk).update(email=f"{person.username}@example.org")
    decision = make_decision("proposed")
    deliver()
    assert [to for to, _ in told(postbox)] == ["board@example.org", "second@example.org"]
    assert f"https://portal.example.org/decisions/{decision.label}/" in postbox.letter("board@example.org")
    postbox.mails.clear()
    accept_decision(actor=board, decision=decision)
    deliver()
    assert told(postbox) == [("editor@example.org", f"Board accepted {decision}")]


def test_the_page_keeps_my_choices(owner: User) -> None:
    browser = signed_in(owner)
    shown = browser.get("/notices/").content.decode()
    assert "Something waits for my yes or no" in shown
    assert browser.post("/notices/", {"wanted": ["answers"], "muted_until": ""}).status_code == 302
    assert MailChoice.objects.get(person=owner).unwanted == ["approvals", "rollbacks"]


def test_the_page_sets_tests_and_removes_a_channel(approver: User, team: Team, receiver: Receiver) -> None:
    browser, there = signed_in(approver), f"/notices/channels/{team.slug}/"
    browser.post(there, {"address": receiver.address})
    assert "127.0.0.1" in browser.get("/notices/").content.decode()
    assert receiver.address not in browser.get("/notices/").content.decode()
    tested = browser.post(f"{there}test/", follow=True).content.decode()
    assert "took it" in tested
    assert "tests that the ML Portal" in receiver.calls[0].body
    browser.post(f"{there}remove/")
    assert Channel.objects.get().host == ""


def test_the_same_over_the_api(approver: User, owner: User, team: Team, receiver: Receiver) -> None:
    client = api(approver)
    assert client.get("/api/v1/notices/").data == {"unwanted": [], "muted_until": None}
    kept = client.put(
        "/api/v1/notices/", {"unwanted": ["approvals"], "muted_until": "2030-01-01T00:00:00Z"}, format="json"
    )
    assert kept.data["unwanted"] == ["approvals"]
    there = f"/api/v1/channels/{team.slug}/"
    assert client.put(there, {"address": receiver.address}, format="json").data == {
        "team": team.slug,
        "host": "127.0.0.1",
    }
    assert client.get("/api/v1/channels/").data["results"] == [{"team": team.slug, "host": "127.0.0.1"}]
    assert client.post(f"{there}test/").data["success"] is True
    assert client.delete(there).status_code == 204
    assert client.get("/api/v1/channels/").data["results"] == [{"team": team.slug, "host": ""}]
    assert api(owner).put(there, {"address": receiver.address}, format="json").status_code == 403


def test_every_word_that_somebody_is_told_of_is_one_of_the_audit() -> None:
    known = {value for words in Word.__subclasses__() for value in words._value2member_map_}
    assert set(NOTICES) <= known
    assert set(TOLD_WORDS) <= known
