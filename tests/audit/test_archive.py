"""The audit as files: whole, going on where it ended, and telling of whoever changes one of them."""

import hashlib
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.events import Event
from apps.accounts.models import Team, User
from apps.audit.actions import record, shift_transactions
from apps.audit.archive import archive
from apps.audit.models import AuditEvent
from tests.audit.test_audit import settled
from tests.factories import TeamFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def write(user: User, team: Team, *notes: str) -> None:
    """Each in a transaction of its own, and so old that nothing can slip in before."""
    for note in notes:
        record(actor=user, action=Event.TEAM_CREATED, target=team, note=note)
    assert len(settled(AuditEvent.objects.count())) == AuditEvent.objects.count()


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_archive_holds_every_event_goes_on_and_refuses_what_was_changed(tmp_path: Path) -> None:
    user, team, folder = UserFactory.create(name="Owner"), TeamFactory.create(), tmp_path / "audit"
    write(user, team, "one", "two", "three")
    first, second = archive(folder, size=2)
    assert (first.events, second.events) == (2, 1)
    (head, *events), (chained, _) = lines(first.path), lines(second.path)
    assert (head, chained["previous"]) == ({"previous": "", "events": 2}, first.sha256)
    assert [event["note"] for event in events] == ["one", "two"]
    assert str(events[0]["sentence"]).startswith("Owner founded the team")
    assert hashlib.sha256(first.path.read_bytes()).hexdigest() == first.sha256
    assert first.path.with_name(f"{first.path.name}.sha256").read_text() == f"{first.sha256}  {first.path.name}\n"

    (folder / "audit-000003.unfinished").write_text("half of")  # as a killed one leaves it
    shift_transactions(by=-1)  # a restored database counts its transactions anew
    write(user, team, "four")
    said = StringIO()
    call_command("archive_audit", str(folder), stdout=said)
    assert "4 events in 3 files, verified." in said.getvalue()
    assert list(archive(folder)) == []
    assert AuditEvent.objects.count() == 4

    second.path.write_text(second.path.read_text().replace("three", "nothing"))
    with pytest.raises(CommandError, match=r"audit-000002\.jsonl is not what was archived"):
        call_command("archive_audit", str(folder))
    second.path.unlink()
    with pytest.raises(CommandError, match=r"audit-000003\.jsonl is not what was archived"):
        call_command("archive_audit", str(folder))


def test_an_archive_of_another_database_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    write(UserFactory.create(), TeamFactory.create(), "one")
    (part,) = archive(folder)
    head, event = lines(part.path)
    text = f"{json.dumps(head)}\n{json.dumps(event | {'id': 10**9})}\n"
    part.path.write_text(text)
    part.path.with_name(f"{part.path.name}.sha256").write_text(hashlib.sha256(text.encode()).hexdigest())
    with pytest.raises(CommandError, match="is not in this database: use a new folder"):
        call_command("archive_audit", str(folder))
