"""Files go from a folder to S3 and back; what broke off goes on, and nothing damaged is copied."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.artifacts.actions import create_tree, put_file
from apps.artifacts.models import Blob
from apps.artifacts.store import LocalStore, default_store, store_at
from tests.s3_server import keys_in, moto_server, place_of_its_own, settings_for

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_server() as address:
        yield address


def content_of(sha256: str) -> bytes:
    return next(content for content in (b"a", b"b", b"c") if hashlib.sha256(content).hexdigest() == sha256)


def test_files_move_to_s3_and_back_as_far_as_they_are_whole(
    s3: str, store: LocalStore, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = place_of_its_own(s3)
    own = settings_for(place)
    settings.S3, there = own["S3"], str(own["ARTIFACT_STORE"])
    tree = create_tree()
    for name in ("a", "b", "c"):
        put_file(tree=tree, path=name, source=io.BytesIO(name.encode()))
    store.publish("champions/eta.json", b"{}")
    broken = store.local_path(str(Blob.objects.order_by("sha256").first()))
    broken.chmod(0o644)
    broken.write_bytes(b"damaged")
    call_command("move_files", there, "--dry-run")
    assert "lacks 3 files of 3 bytes. Nothing was copied." in capsys.readouterr().out
    assert keys_in(place) == []
    with pytest.raises(CommandError, match=f"1 stored files are gone or damaged: {broken.name}"):
        call_command("move_files", there)
    assert len(keys_in(place)) == 3  # two files, and what is published
    store.put(io.BytesIO(content_of(broken.name)))
    call_command("move_files", there)
    assert "1 files copied to s3://" in capsys.readouterr().out
    settings.ARTIFACT_STORE = there
    for sha256 in Blob.objects.values_list("sha256", flat=True):
        default_store().check(sha256)
    assert default_store().published("champions/eta.json") == b"{}"
    with pytest.raises(CommandError, match="lie there already"):
        call_command("move_files", there)
    settings.VAR_DIR = tmp_path / "another"
    call_command("move_files", "")
    assert {sha256 for sha256, _ in store_at("").names()} == set(Blob.objects.values_list("sha256", flat=True))


def test_a_place_that_is_none_is_refused_with_a_sentence(store: LocalStore) -> None:
    for wrong in ("https://s3.example.org/bucket", "s3://", "s3://UPPER/x"):
        with pytest.raises(CommandError, match=r"no place in S3|no name of a bucket"):
            call_command("move_files", wrong)
