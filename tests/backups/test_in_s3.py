"""Backups in S3: the same layout, each file once, resumed, pruned, and restored from nothing but the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import connections
from pytest_django import Settings

from apps.artifacts.models import Blob
from apps.artifacts.store import default_store
from apps.backups.in_s3 import LOCK, backups_in
from apps.platforms.s3 import Bucket, Place
from tests.backups.test_backups import command, stored
from tests.s3_server import Answering, keys_in, moto_server, place_of_its_own, refusal, settings_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def place(s3: str, settings: Settings) -> Place:
    made = place_of_its_own(s3)
    settings.S3 = settings_for(made)["S3"]
    return made


def files(place: Place) -> list[str]:
    return [key for key in keys_in(place) if key.startswith("files/")]


def test_it_goes_there_and_comes_back_into_another_folder(
    place: Place, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone, lost = stored(b"kept"), stored(b"gone"), stored(b"lost")
    damaged = default_store().local_path(lost)
    damaged.chmod(0o644)
    damaged.write_bytes(b"x")
    Bucket(place).put("2026-01-01T00-00-00-000000Z/database.dump", b"of one that broke off")
    with pytest.raises(CommandError, match=f"1 stored files are gone or damaged: {lost}"):
        command("backup", place)
    assert keys_in(place)[0].startswith("2026-") is (len(keys_in(place)) == 5)
    assert len(files(place)) == 2
    Blob.objects.filter(sha256__in=[gone, lost]).delete()
    assert "1 older backups removed." in command("backup", place, "--keep", 1)
    assert files(place) == [f"files/sha256/{kept[:2]}/{kept}"]
    (name,) = backups_in(place)
    settings.VAR_DIR = tmp_path / "another"
    with pytest.raises(CommandError, match="has tables already"):
        command("restore", place.below(name))
    loaded: list[bytes] = []
    for step in ("check_empty", "_compare", "_precede_this_server", "want_all_snapshots"):
        monkeypatch.setattr(f"apps.backups.restoring.{step}", lambda *what: None)
    monkeypatch.setattr("apps.backups.restoring.load", lambda dump: loaded.append(dump.read_bytes()[:5]))
    assert "1 files" in command("restore", place.below(name))
    assert loaded == [b"PGDMP"]
    default_store().check(kept)
    Bucket(place).put(f"files/sha256/{kept[:2]}/{kept}", b"rotten")
    with pytest.raises(CommandError, match="gone from the backup, or damaged"):
        command("restore", place.below(name))


def test_what_is_no_backup_and_a_place_that_is_away_are_told(place: Place, settings: Settings) -> None:
    for wrong in (place, place.below("2026")):
        with pytest.raises(CommandError, match="holds no finished backup"):
            command("restore", wrong)
    own = settings.S3
    with Answering(403, refusal("InvalidAccessKeyId")).served() as endpoint:
        settings.S3 = own | {"endpoint": endpoint}
        for verb in ("backup", "restore"):
            with pytest.raises(CommandError, match=r"does not (accept|let) the credential"):
                command(verb, place.below("x"))


def test_one_is_taken_at_a_time(place: Place) -> None:
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, 0)", [LOCK])
        with pytest.raises(CommandError, match="Another backup into S3 is being taken"):
            command("backup", place)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [LOCK])
    finally:
        other.close()
    command("backup", place)
