"""A backup holds what was true at one moment and says what it lacks; it comes back whole, and only where nothing is."""

from __future__ import annotations

import fcntl
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.accounts.models import User
from apps.artifacts.models import Blob
from apps.artifacts.store import default_store
from apps.audit.models import AuditEvent
from apps.backups.archive import Backup, finished
from apps.backups.restoring import restore
from apps.backups.taking import take
from apps.core.errors import Invalid, Missing

pytestmark = pytest.mark.django_db(transaction=True)


def stored(content: bytes) -> str:
    kept = default_store().put(io.BytesIO(content))
    Blob.objects.create(sha256=kept.sha256, size=kept.size)
    return kept.sha256


def command(name: str, *arguments: object) -> str:
    out = io.StringIO()
    call_command(name, *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def test_it_counts_every_table_and_copies_every_file_once(root: Path, owner: User) -> None:
    first = stored(b"weights")
    before = take(root).manifest()
    assert before.tables["accounts_user"].rows == User.objects.count()
    assert before.tables["audit_auditevent"].rows == AuditEvent.objects.count()
    assert (before.files, before.lost) == (1, [])
    User.objects.filter(pk=owner.pk).update(name="Somebody else")
    place = Backup(root, "").place_of(first)
    was = place.stat().st_ino
    stored(b"more weights")
    after = take(root).manifest()
    assert (place.stat().st_ino, after.files) == (was, 2)
    assert after.tables["accounts_user"].rows == before.tables["accounts_user"].rows
    changed = [name for name, table in after.tables.items() if table != before.tables[name]]
    assert changed == ["accounts_user", "artifacts_blob"]


def test_a_stored_file_that_is_damaged_is_named_and_the_rest_is_there(root: Path) -> None:
    good, bad = stored(b"good"), stored(b"bad")
    place = default_store().local_path(bad)
    place.chmod(0o644)
    place.write_bytes(b"rotten")
    with pytest.raises(CommandError, match=f"1 stored files are gone or damaged: {bad}"):
        command("backup", root)
    (backup,) = finished(root)
    assert backup.manifest().lost == [bad]
    assert backup.place_of(good).read_bytes() == b"good"


def test_only_the_newest_stay_and_the_files_that_they_need(root: Path) -> None:
    kept, gone = stored(b"kept"), stored(b"gone")
    take(root)
    with connection.cursor() as cursor:  # as a restore of an older portal into the same folder would leave it
        cursor.execute("TRUNCATE artifacts_blob CASCADE")
    Blob.objects.create(sha256=kept, size=4)
    take(root)
    assert "removed" not in command("backup", root, "--keep", 3)
    assert "2 older backups removed." in command("backup", root, "--keep", 2)
    backup = finished(root)[-1]
    assert (backup.place_of(kept).exists(), backup.place_of(gone).exists()) == (True, False)


def test_what_broke_off_goes_and_one_is_taken_at_a_time(root: Path) -> None:
    (root / "2026-01-01T00-00-00Z.unfinished").mkdir(parents=True)
    with pytest.raises(Missing, match="no finished backup"):
        Backup.at(root / "2026-01-01T00-00-00Z.unfinished")
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="Another backup is being taken"):
            command("backup", root)
    take(root)
    assert [each.name for each in root.glob("*.unfinished")] == []


def test_nothing_is_restored_over_something_or_from_something_damaged(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = stored(b"weights")
    backup = take(root)
    with pytest.raises(CommandError, match="has tables already"):
        command("restore", backup.folder)
    monkeypatch.setattr("apps.backups.restoring.check_empty", lambda: None)  # what comes next never writes
    backup.place_of(sha256).chmod(0o644)
    backup.place_of(sha256).write_bytes(b"rotten")
    with pytest.raises(Invalid, match="gone from the backup, or damaged"):
        restore(backup)
    backup.place_of(sha256).unlink()
    with pytest.raises(Invalid, match="gone from the backup, or damaged"):
        restore(backup)
    with backup.dump.open("ab") as dump:
        dump.write(b"x")
    with pytest.raises(Invalid, match="is not that of the manifest"):
        restore(backup)


def test_the_password_is_no_argument_and_the_dump_is_nobody_else_s(root: Path) -> None:
    backup = take(root)
    assert backup.folder.stat().st_mode & 0o077 == 0
    assert str(connection.settings_dict["PASSWORD"]).encode() not in backup.dump.read_bytes()
