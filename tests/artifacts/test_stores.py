"""What every store keeps to, whichever place the bytes lie in."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from apps.artifacts.store import LocalStore, S3Store, Store, Stored
from apps.core.errors import Missing, Unavailable
from apps.platforms.s3 import Bucket
from apps.platforms.s3.place import client_of
from tests.artifacts.disks import MEGABYTE
from tests.s3_server import keys_in, moto_server, place_of_its_own

PART = 5 * MEGABYTE
"""The smallest that S3 joins."""


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture(params=["folder", "s3"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return LocalStore(tmp_path / "artifacts")
    place = place_of_its_own(request.getfixturevalue("s3"))
    return S3Store(Bucket(place), LocalStore(tmp_path / "cache"), part_bytes=PART)


class CutOff(io.BytesIO):
    """An upload whose sender goes away at its end."""

    def read(self, size: int | None = -1) -> bytes:
        part = super().read(size)
        if not part:
            raise ConnectionResetError("the sender went away")
        return part


DAMAGES: list[Callable[[bytes], bytes]] = [
    lambda content: b"",
    lambda content: b"x" + content[1:],
    lambda content: content + b"x",
]


def everything_in(store: Store) -> list[str]:
    """What lies there, half things and local copies left out."""
    if isinstance(store, S3Store):
        client = client_of(store.bucket.place)
        begun = client.list_multipart_uploads(Bucket=store.bucket.place.bucket).get("Uploads", [])
        return keys_in(store.bucket.place) + [one["Key"] for one in begun]
    assert isinstance(store, LocalStore)
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


def overwrite(store: Store, key: str, content: bytes) -> None:
    """As a broken disk or a careless person would."""
    if isinstance(store, S3Store):
        return store.bucket.put(key, content)
    assert isinstance(store, LocalStore)
    path = store.root / key
    path.chmod(0o644)
    path.write_bytes(content)
    return None


def key_of(stored: Stored) -> str:
    return f"sha256/{stored.sha256[:2]}/{stored.sha256}"


@pytest.mark.parametrize("size", [0, 7, PART - 1, PART, 2 * PART + 7])
def test_what_is_put_is_read_again_whole_and_from_its_middle(any_store: Store, size: int) -> None:
    content = os.urandom(size)
    stored = any_store.put(io.BytesIO(content))
    assert stored == Stored(hashlib.sha256(content).hexdigest(), size)
    with any_store.open(stored.sha256) as file:
        assert b"".join(iter(lambda: file.read(MEGABYTE), b"")) == content
    with any_store.open(stored.sha256) as file:
        file.seek(size // 2)
        assert file.read(5) == content[size // 2 :][:5]
    assert any_store.local_path(stored.sha256).read_bytes() == content
    assert everything_in(any_store) == [key_of(stored)]


def test_the_same_bytes_take_their_place_once(any_store: Store) -> None:
    first, second = any_store.put(io.BytesIO(b"same")), any_store.put(io.BytesIO(b"same"))
    assert first == second
    assert [sha256 for sha256, _ in any_store.names()] == [first.sha256]
    assert datetime.now(UTC) - next(iter(any_store.names()))[1] < timedelta(minutes=10)
    any_store.remove(first.sha256)
    any_store.remove(first.sha256)
    assert everything_in(any_store) == []


@pytest.mark.parametrize("size", [MEGABYTE, PART + MEGABYTE])
def test_an_upload_cut_off_in_the_middle_leaves_nothing(any_store: Store, size: int) -> None:
    with pytest.raises(ConnectionResetError):
        any_store.put(CutOff(os.urandom(size)))
    assert everything_in(any_store) == []


@pytest.mark.parametrize("size", [10, 10 * MEGABYTE])
@pytest.mark.parametrize(
    "damage", [lambda content: b"", lambda content: b"x" + content[1:], lambda content: content + b"x"]
)
def test_damaged_bytes_are_never_handed_out_whole(
    any_store: Store, damage: Callable[[bytes], bytes], size: int
) -> None:
    content = os.urandom(size)
    stored = any_store.put(io.BytesIO(content))
    overwrite(any_store, key_of(stored), damage(content))

    def read_all(sha256: str) -> None:
        with any_store.open(sha256) as file:
            handed = 0
            while chunk := file.read(MEGABYTE):
                handed += len(chunk)
                assert handed < max(size, len(damage(content)))

    for read in (read_all, any_store.check, any_store.local_path):
        with pytest.raises(Unavailable, match="gone or damaged"):
            read(stored.sha256)
    any_store.put(io.BytesIO(content))
    any_store.check(stored.sha256)


def test_bytes_that_are_gone_are_not_handed_out(any_store: Store) -> None:
    for read in (any_store.open, any_store.check, any_store.local_path):
        with pytest.raises(Unavailable, match="gone or damaged"):
            read("0" * 64)


@pytest.mark.parametrize("sizes", [(3, 3), (PART, PART + 1, 5), (9 * MEGABYTE,)])
def test_parts_are_stored_as_one_in_any_order_until_they_are_dropped(any_store: Store, sizes: tuple[int, ...]) -> None:
    parts = [os.urandom(size) for size in sizes]
    names = [any_store.put_part("upload", io.BytesIO(part)).sha256 for part in reversed(parts)][::-1]
    stored = any_store.put(any_store.open_parts("upload", names))
    assert stored.sha256 == hashlib.sha256(b"".join(parts)).hexdigest()
    any_store.check(stored.sha256)
    any_store.drop_parts("upload")
    any_store.drop_parts("upload")
    assert everything_in(any_store) == [key_of(stored)]


@pytest.mark.parametrize("size", [3, 9 * MEGABYTE])
def test_a_part_that_is_not_there_whole_is_missing(any_store: Store, size: int) -> None:
    content = os.urandom(size)
    part = any_store.put_part("upload", io.BytesIO(content)).sha256
    overwrite(any_store, f"incoming/upload/{part}", b"x" + content[1:])
    for upload in ("another", "upload"):
        with pytest.raises(Missing, match="not here whole"):
            any_store.put(any_store.open_parts(upload, [part]))
    assert everything_in(any_store) == [f"incoming/upload/{part}"]


def test_what_is_still_being_sent_is_not_swept_away(any_store: Store) -> None:
    class Meanwhile(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            any_store.tidy()
            return super().read(size)

    any_store.put_part("upload", io.BytesIO(b"part"))
    stored = any_store.put(cast(BinaryIO, Meanwhile(os.urandom(PART - 1))))
    any_store.check(stored.sha256)
    assert len(everything_in(any_store)) == 2


def test_what_is_published_replaces_what_was(any_store: Store) -> None:
    with pytest.raises(Missing, match="Nothing has been published"):
        any_store.published("champions/eta.json")
    for content in (b"one", b"two"):
        any_store.publish("champions/eta.json", content)
        assert any_store.published("champions/eta.json") == content


def test_a_store_says_which_place_it_is_and_that_it_can_be_reached(any_store: Store) -> None:
    any_store.reach()
    assert "artifacts" in any_store.words or "s3://files-" in any_store.words


def test_a_local_copy_is_made_once_and_goes_when_nobody_needs_it(s3: str, tmp_path: Path) -> None:
    store = S3Store(Bucket(place_of_its_own(s3)), LocalStore(tmp_path / "cache"))
    used, unused, new = (store.put(io.BytesIO(content)).sha256 for content in (b"used", b"unused", b"new"))
    for copy in [store.local_path(sha256) for sha256 in (used, unused)]:
        os.utime(copy, (0, 0))
    store.bucket.remove([f"sha256/{used[:2]}/{used}"])
    assert store.local_path(used).read_bytes() == b"used"
    store.local_path(new)
    assert {sha256 for sha256, _ in store.cache.names()} == {used, new}


def test_what_a_process_that_is_gone_had_half_sent_is_swept(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3Store(Bucket(place_of_its_own(s3)), LocalStore(tmp_path / "cache"))
    store.put_part("upload", io.BytesIO(b"part"))
    stored = store.put(io.BytesIO(b"kept"))
    store.tidy()
    assert len(everything_in(store)) == 2
    # moto says of all uploads that they began in 2010
    client_of(store.bucket.place).create_multipart_upload(Bucket=store.bucket.place.bucket, Key="portal/incoming/x")
    monkeypatch.setattr("apps.artifacts.store.s3.STALE_SECONDS", -60)
    store.tidy()
    assert everything_in(store) == [key_of(stored)]


def test_a_large_file_gets_an_address_of_its_own_and_a_small_one_none(s3: str, tmp_path: Path) -> None:
    place = replace(place_of_its_own(s3), public_endpoint="https://files.example.org")
    store = S3Store(Bucket(place), LocalStore(tmp_path / "cache"), link_from=10, link_seconds=7)
    address = store.link("a" * 64, name='model/größe "1".bin', size=10)
    assert address.startswith(f"https://files.example.org/{place.bucket}/portal/sha256/aa/{'a' * 64}?")
    assert "X-Amz-Expires=7&" in address
    assert "attachment%3B%20filename%2A%3DUTF-8%27%27gr%25C3%25B6%25C3%259Fe%2520%25221%2522.bin" in address
    assert place.secret not in address
    assert store.link("a" * 64, name="small", size=9) == ""
    assert replace(store, link_from=0).link("a" * 64, name="large", size=10**12) == ""


def test_what_lies_there_is_told_with_its_size_and_when_it_was_put(any_store: Store) -> None:
    stored = any_store.put(io.BytesIO(b"weights"))
    held = any_store.held(stored.sha256)
    assert held is not None
    assert held.size == 7
    assert abs(held.put_at - datetime.now(UTC)) < timedelta(minutes=5)
    any_store.remove(stored.sha256)
    assert any_store.held(stored.sha256) is None
