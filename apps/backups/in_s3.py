"""Backups in S3, laid out as in a folder; only the dump and the lists are on this machine's disk for a while."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection

from apps.artifacts.store import S3Store, files_below
from apps.backups.archive import Backup, Manifest
from apps.backups.restoring import restore
from apps.backups.taking import take
from apps.core.errors import Conflict, Missing, Unavailable
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.s3 import Bucket, Place
from apps.platforms.s3.bucket import PART_BYTES

MANIFEST = "manifest.json"
PARTS = ("database.dump", "files.txt", MANIFEST)
"""The manifest comes last: a backup without one was never finished."""
LOCK = zlib.crc32(b"backups.in_s3") - 2**31
"""PostgreSQL wants 32 bits with a sign."""


@dataclass(frozen=True)
class Taken:
    """A backup's name below its place, what it holds, and how many older ones went."""

    name: str
    manifest: Manifest
    removed: int


def take_into(place: Place, *, keep: int) -> Taken:
    """As `take` does, into a place in S3; afterwards only the newest `keep` stay there (0: all).

    Raises Conflict while another one is being taken, Unavailable when the place or the database can not be used.
    """
    bucket = Bucket(place)
    with _alone(), _said(place), TemporaryDirectory() as folder:
        _drop_unfinished(bucket)
        backup = take(Path(folder), _files(place))
        for part in PARTS:
            _upload(bucket, backup.folder / part, f"{backup.name}/{part}")
        return Taken(backup.name, backup.manifest(), _prune(place, keep) if keep else 0)


def restore_from(place: Place) -> Manifest:
    """Of the place of one backup, `…/<time>`. Raises as `restore` does, and Missing."""
    root, _, name = place.prefix.rpartition("/")
    above = Place(**{**vars(place), "prefix": root})
    with _said(place), TemporaryDirectory() as folder:
        home = Path(folder) / name
        home.mkdir(mode=0o700)
        if not name or Bucket(place).find(MANIFEST) is None:
            raise Missing(f"{place} holds no finished backup; name the one that has a manifest.json in it.")
        for part in PARTS:
            _download(Bucket(place), part, home / part)
        return restore(Backup.at(home), _files(above))


def backups_in(place: Place) -> list[str]:
    """Names of those that were finished, the oldest first."""
    return [_folder(key) for key in _own_keys(Bucket(place)) if key.endswith(f"/{MANIFEST}")]


def _own_keys(bucket: Bucket) -> list[str]:
    """Of dumps and lists; their folders are named by a time, which no stored file's is."""
    return [found.key for found in bucket.names("2")]


def _folder(key: str) -> str:
    return key.partition("/")[0]


def _files(place: Place) -> S3Store:
    return files_below(place.below("files"))


def _drop_unfinished(bucket: Bucket) -> None:
    finished = set(backups_in(bucket.place))
    bucket.remove(key for key in _own_keys(bucket) if _folder(key) not in finished)


def _prune(place: Place, keep: int) -> int:
    """Removes all but the newest, and the files that only those had."""
    bucket, names = Bucket(place), backups_in(place)
    old, kept = names[:-keep], names[-keep:]
    for name in old:
        bucket.remove(f"{name}/{part}" for part in reversed(PARTS))
    if old:
        lists = (bucket.read(f"{name}/files.txt").decode().splitlines() for name in kept)
        needed = {line.split()[0] for lines in lists for line in lines}
        files = _files(place)
        for sha256 in [sha256 for sha256, _ in files.names() if sha256 not in needed]:
            files.remove(sha256)
    return len(old)


def _upload(bucket: Bucket, source: Path, key: str) -> None:
    with source.open("rb") as file:
        first = file.read(PART_BYTES)
        if len(first) < PART_BYTES:
            bucket.put(key, first)
        else:
            bucket.send(key, _parts(first, iter(lambda: file.read(PART_BYTES), b"")))


def _parts(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _download(bucket: Bucket, key: str, target: Path) -> None:
    with bucket.open(key) as body, target.open("wb") as file:
        while chunk := body.read(PART_BYTES):
            file.write(chunk)


@contextmanager
def _said(place: Place) -> Iterator[None]:
    try:
        yield
    except (Unreachable, Refused) as error:
        raise Unavailable(f"{place}: {error}") from error


@contextmanager
def _alone() -> Iterator[None]:
    """Pruning would take files away from a backup that is being taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [LOCK])
        if not cursor.fetchone()[0]:
            raise Conflict("Another backup into S3 is being taken; wait for it.")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [LOCK])
