"""History: append only, in the caller's transaction, read in commit order."""

import threading
import time

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.events import Event
from apps.accounts.models import Team, User
from apps.audit.actions import record
from apps.audit.models import AuditEvent
from apps.audit.queries import outbox, timeline
from tests.factories import TeamFactory, UserFactory


def settled(count: int, after: tuple[int, int] = (0, 0)) -> list[AuditEvent]:
    """The outbox as soon as it has that many: any transaction of the same server, of other tests too, holds it back."""
    deadline = time.monotonic() + 60
    while len(found := outbox(after=after, limit=10)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def notes(events: list[AuditEvent]) -> list[str]:
    return [event.note for event in events]


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_database_refuses_to_rewrite_history(verb: str, owner: User, team: Team) -> None:
    event = record(actor=owner, action=Event.TEAM_CREATED, target=team)
    rows = AuditEvent.objects.filter(pk=event.pk)
    with pytest.raises(DatabaseError, match="append only"), transaction.atomic():
        rows.update(note="never happened") if verb == "update" else rows.delete()


def test_an_event_says_who_did_what_to_what(owner: User, team: Team) -> None:
    event = record(actor=owner, action=Event.TEAM_CREATED, target=team, note="because")
    assert str(timeline(team).get()) == "Owner founded the team Rides ETA"
    assert (event.actor_name, event.actor_username) == ("Owner", "owner")
    assert (event.team, event.door, event.note) == ("rides-eta", "command", "because")


def test_an_actor_without_a_name_is_called_by_the_username(team: Team) -> None:
    nightly = UserFactory.create(username="nightly-robot", name="")
    record(actor=nightly, action=Event.TEAM_CREATED, target=team)
    assert str(timeline(team).get()) == "nightly-robot founded the team Rides ETA"


def test_an_event_rolls_back_with_the_change(owner: User, team: Team) -> None:
    with transaction.atomic():
        record(actor=owner, action=Event.TEAM_CREATED, target=team)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_outbox_waits_for_a_slow_transaction_with_a_smaller_id() -> None:
    user, team = UserFactory.create(), TeamFactory.create()
    written, release = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            record(actor=user, action=Event.TEAM_CREATED, target=team, note="slow")
            written.set()
            release.wait(10)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(10)
    record(actor=user, action=Event.TEAM_CREATED, target=team, note="fast")
    before = outbox(after=(0, 0), limit=10)
    release.set()
    thread.join()
    assert before == []
    assert notes(settled(2)) == ["slow", "fast"]


@pytest.mark.django_db(transaction=True)
def test_the_outbox_goes_on_behind_its_cursor() -> None:
    user, team = UserFactory.create(), TeamFactory.create()
    first = record(actor=user, action=Event.TEAM_CREATED, target=team, note="1")
    first.refresh_from_db()
    record(actor=user, action=Event.TEAM_CREATED, target=team, note="2")
    assert notes(settled(1, after=(first.transaction, first.pk))) == ["2"]
