"""A place in S3: the same keys as in a folder, sha256/ab/abcd…; the bytes pass through and are kept nowhere here."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

import structlog

from apps.artifacts.paths import check_path
from apps.artifacts.store.base import (
    CHUNK_BYTES,
    STALE_SECONDS,
    Damaged,
    Held,
    Stored,
    chunks,
    damaged,
    full,
    part_missing,
)
from apps.artifacts.store.local import LocalStore
from apps.core.errors import Missing, Unavailable
from apps.platforms.calling import NotAllowed, NotSignedIn, Unknown
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.s3 import Body, Bucket, CopiesNoParts, Found, Full, NoBucket
from apps.platforms.s3.bucket import PART_BYTES, SMALLEST_PART

log = structlog.get_logger(__name__)
AT_ONCE = 8 * CHUNK_BYTES
"""A file of so many bytes is read whole and verified before the first one is handed out."""
LONGEST_UPLOAD = timedelta(days=1)
KeyOf = Callable[[str], str]
"""From a sha256."""
UNUSED_SECONDS = 24 * 3600
"""A local copy that nobody needed for a day goes."""


@dataclass(frozen=True)
class S3Store:
    """Objects appear whole, so a reader never sees half of one. `cache` holds copies for programs that want a path;
    files of `link_from` bytes and more are handed out by S3 itself (0: none), by addresses good for `link_seconds`.
    """

    bucket: Bucket
    cache: LocalStore
    link_from: int = 0
    link_seconds: int = 60
    part_bytes: int = PART_BYTES

    @property
    def words(self) -> str:
        return f"{self.bucket.place} at {self.bucket.place.endpoint or 'Amazon S3'}"

    def put(self, source: BinaryIO) -> Stored:
        """Replacing equal bytes also heals damaged ones. What lies there in parts already is joined there."""
        parts = getattr(source, "origin", source)
        if isinstance(parts, Parts):
            return self._join(source, parts)
        return self._put_read(_Digesting(source), _key)

    def put_part(self, upload: str, source: BinaryIO) -> Stored:
        return self._put_read(_Digesting(source), partial(_part, upload))

    def open_parts(self, upload: str, parts: Sequence[str]) -> BinaryIO:
        return cast(BinaryIO, Parts(self, upload, parts))

    def drop_parts(self, upload: str) -> None:
        with _in_our_words():
            self.bucket.remove([found.key for found in self.bucket.names(f"{_parts(upload)}/")])

    def open(self, sha256: str) -> BinaryIO:
        return self.open_key(_key(sha256), sha256)

    def open_key(self, key: str, sha256: str) -> BinaryIO:
        """Verified; of a large file the last bytes are withheld until all of them are."""
        with _in_our_words():
            try:
                body = _Verified(self.bucket.open(key), sha256)
            except Unknown as error:
                raise damaged(sha256) from error
        if body.size > AT_ONCE:
            return cast(BinaryIO, body)
        with body:
            return io.BytesIO(body.read())

    def check(self, sha256: str) -> None:
        with self.open(sha256) as body:
            while body.read(CHUNK_BYTES):
                pass

    def local_path(self, sha256: str) -> Path:
        try:
            found = self.cache.local_path(sha256)
        except Unavailable:
            self.cache.drop_unused(UNUSED_SECONDS)
            with self.open(sha256) as body:
                self.cache.put(body)
            return self.cache.local_path(sha256)
        self.cache.note_use(sha256)
        return found

    def link(self, sha256: str, *, name: str, size: int) -> str:
        if not self.link_from or size < self.link_from:
            return ""
        with _in_our_words():
            return self.bucket.link(_key(sha256), name=name, seconds=self.link_seconds)

    def publish(self, name: str, content: bytes) -> None:
        with _in_our_words():
            self.bucket.put(f"published/{check_path(name)}", content)

    def published(self, name: str) -> bytes:
        with _in_our_words():
            try:
                return self.bucket.read(f"published/{check_path(name)}")
            except Unknown as error:
                raise Missing("Nothing has been published under that name yet.") from error

    def published_names(self) -> Iterator[str]:
        with _in_our_words():
            for found in self.bucket.names("published/"):
                yield found.key.removeprefix("published/")

    def names(self) -> Iterator[tuple[str, datetime]]:
        with _in_our_words():
            for found in self.bucket.names("sha256/"):
                yield found.key.rpartition("/")[2], found.modified

    def held(self, sha256: str) -> Held | None:
        with _in_our_words():
            found = self.bucket.find(_key(sha256))
        return Held(found.size, found.modified) if found else None

    def remove(self, sha256: str) -> None:
        with _in_our_words():
            self.bucket.remove([_key(sha256)])

    def tidy(self) -> None:
        """A folder of parts is as old as its newest."""
        now = datetime.now(UTC)
        with _in_our_words():
            self.bucket.abort_uploads("", before=now - LONGEST_UPLOAD)
            folders: dict[str, list[Found]] = {}
            for found in self.bucket.names("incoming/"):
                folders.setdefault(found.key.split("/")[1], []).append(found)
            for held in folders.values():
                if max(found.modified for found in held) < now - timedelta(seconds=STALE_SECONDS):
                    self.bucket.remove(found.key for found in held)

    def reach(self) -> None:
        with _in_our_words():
            self.bucket.check()

    def _put_read(self, digesting: _Digesting, key_of: KeyOf) -> Stored:
        """A long file's name is known when its last byte has come: it is sent under another, and copied inside S3."""
        first = digesting.part(self.part_bytes)
        with _in_our_words():
            if len(first) < self.part_bytes:
                self.bucket.put(key_of(digesting.stored.sha256), first)
                return digesting.stored
            incoming = f"incoming/{uuid4().hex}"
            self.bucket.send(incoming, digesting.parts(first, self.part_bytes))
            self.bucket.copy(incoming, key_of(digesting.stored.sha256), digesting.stored.size)
            self.bucket.remove([incoming])
        return digesting.stored

    def _join(self, source: BinaryIO, parts: Parts) -> Stored:
        """The bytes are read once, for their digest and limit, and are not sent again where S3 can join them."""
        digesting = _Digesting(source)
        while digesting.part(self.part_bytes):
            pass
        if parts.can_be_joined and self._joined(parts, digesting.stored):
            return digesting.stored
        return self._put_read(_Digesting(self.open_parts(parts.upload, parts.names)), _key)

    def _joined(self, parts: Parts, stored: Stored) -> bool:
        """False where the server can not join: then they are sent again."""
        with _in_our_words():
            try:
                self.bucket.join(parts.keys, _key(stored.sha256))
            except CopiesNoParts:
                return False
        return True


class Parts:
    """Parts of an upload that lie in the bucket, read as one; `sizes` are those that have been read."""

    def __init__(self, store: S3Store, upload: str, parts: Sequence[str]) -> None:
        self._store, self.upload, self.names, self.sizes = store, upload, parts, list[int]()
        self.keys = [_part(upload, part) for part in parts]
        self._chunks = self._read()

    def read(self, size: int) -> bytes:
        """A chunk of whatever size there is; nothing at the end."""
        return next(self._chunks, b"")

    def _read(self) -> Iterator[bytes]:
        for key, sha256 in zip(self.keys, self.names, strict=True):
            self.sizes.append(0)
            try:
                for chunk in chunks(self._store.open_key(key, sha256)):
                    self.sizes[-1] += len(chunk)
                    yield chunk
            except Damaged as error:
                raise part_missing(sha256) from error

    @property
    def can_be_joined(self) -> bool:
        return bool(self.sizes) and min(self.sizes[:-1], default=SMALLEST_PART) >= SMALLEST_PART


class _Digesting:
    """Reads a source once and knows afterwards what it was. An error of the source stays what it is."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self._digest, self._size = source, hashlib.sha256(), 0

    def part(self, size: int) -> bytes:
        """So many bytes, or what is left."""
        part = bytearray()
        while len(part) < size and (chunk := self._source.read(min(CHUNK_BYTES, size - len(part)))):
            part += chunk
        self._digest.update(part)
        self._size += len(part)
        return bytes(part)

    def parts(self, first: bytes, size: int) -> Iterator[bytes]:
        """Of one size each, the first of which was read before."""
        part = first
        while part:
            yield part
            part = self.part(size)

    @property
    def stored(self) -> Stored:
        return Stored(self._digest.hexdigest(), self._size)


class _Verified:
    """An object's bytes; those of a damaged one raise Unavailable instead of their end. From its middle, S3's word
    that it is the same object has to do.
    """

    def __init__(self, body: Body, sha256: str) -> None:
        self._body, self._sha256, self.size = body, sha256, body.size
        self._digest, self._at, self._whole = hashlib.sha256(), 0, True

    def read(self, size: int = -1) -> bytes:
        with _in_our_words():
            chunk = self._body.read(size)
        self._digest.update(chunk)
        self._at += len(chunk)
        if self._whole and self._at == self.size and self._digest.hexdigest() != self._sha256:
            raise damaged(self._sha256)
        return chunk

    def seek(self, offset: int) -> int:
        with _in_our_words():
            self._body.seek(offset)
        self._whole = self._whole and offset == self._at
        self._at = offset
        return offset

    def close(self) -> None:
        self._body.close()

    def __enter__(self) -> _Verified:
        return self

    def __exit__(self, *how: object) -> None:
        self.close()


@contextmanager
def _in_our_words() -> Iterator[None]:
    """What S3 says becomes a sentence for whoever waits for a file; addresses and codes go to the log."""
    try:
        yield
    except Full as error:
        raise full() from error
    except (NotSignedIn, NotAllowed, NoBucket) as error:
        log.error("artifacts.store_refuses", reason=str(error))
        raise Unavailable(
            "The file store does not let the portal in, so nothing was stored or read. Tell the platform team: "
            "its credential, rights and bucket want a look; the log says more."
        ) from error
    except Unknown:
        raise
    except (Refused, Unreachable) as error:
        log.warning("artifacts.store_away", reason=str(error))
        raise Unavailable("The file store does not answer now, so nothing was stored or read. Try again.") from error


def _key(sha256: str) -> str:
    return f"sha256/{sha256[:2]}/{sha256}"


def _parts(upload: str) -> str:
    return f"incoming/{check_path(upload)}"


def _part(upload: str, sha256: str) -> str:
    return f"{_parts(upload)}/{check_path(sha256)}"
