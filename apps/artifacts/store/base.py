"""What every place of bytes can do: content-addressed by sha256, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from apps.core.errors import Missing, Unavailable

CHUNK_BYTES = 1_048_576
STALE_SECONDS = 3_600
"""What is half sent and got no byte for an hour belongs to somebody who is gone."""


@dataclass(frozen=True)
class Stored:
    """What was stored: hex sha256 and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Held:
    """What lies in the store: bytes, and when they were put last."""

    size: int
    put_at: datetime


class Store(Protocol):
    """Bytes by their sha256. All methods raise Unavailable when the place is full, away or damaged."""

    @property
    def words(self) -> str:
        """Which place this is, for those who look after it."""
        ...

    def put(self, source: BinaryIO) -> Stored:
        """Copies the source to its end; if that breaks off, nothing is left."""
        ...

    def put_part(self, upload: str, source: BinaryIO) -> Stored:
        """A part of a file that is sent in parts; `upload` is a name of letters and digits."""
        ...

    def open_parts(self, upload: str, parts: Sequence[str]) -> BinaryIO:
        """The parts with these sha256s one after the other, each verified; reading raises Missing for one that is not
        there whole.
        """
        ...

    def drop_parts(self, upload: str) -> None:
        """Forgets the parts; those that nobody joins or drops are forgotten after an hour."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """The bytes. Damaged ones raise Unavailable before the last of them is handed out."""
        ...

    def check(self, sha256: str) -> None:
        """Reads and compares all of it."""
        ...

    def local_path(self, sha256: str) -> Path:
        """A local file of these bytes, verified; the caller only reads it, and at once."""
        ...

    def link(self, sha256: str, *, name: str, size: int) -> str:
        """An address that hands out these bytes for a short while, as a file of that name; "" where there is none."""
        ...

    def publish(self, name: str, content: bytes) -> None:
        """A file under a name of its own, `published/<name>`: the next one replaces it whole."""
        ...

    def published(self, name: str) -> bytes:
        """What was published under that name last. Raises Missing."""
        ...

    def published_names(self) -> Iterator[str]:
        """Of everything that is published."""
        ...

    def names(self) -> Iterator[tuple[str, datetime]]:
        """sha256 of everything that is stored, and when it was put last."""
        ...

    def held(self, sha256: str) -> Held | None:
        """None where it does not lie here; nothing is read."""
        ...

    def remove(self, sha256: str) -> None:
        """Only for what nothing names any more."""
        ...

    def tidy(self) -> None:
        """Removes what was half sent by somebody who is gone."""
        ...

    def reach(self) -> None:
        """Whether the place can be used now; the cheapest question there is."""
        ...


class Damaged(Unavailable):
    """These bytes are not what they were, or not there."""


def damaged(sha256: str) -> Damaged:
    return Damaged(
        f"The stored file {sha256[:12]} is gone or damaged, so it is not handed out. "
        "Ask the platform team to restore it from a backup."
    )


def part_missing(sha256: str) -> Missing:
    return Missing(f"The part {sha256[:12]} of this upload is not here whole; send the file again.")


def full() -> Unavailable:
    return Unavailable("The file store is full, so nothing was stored. Free disk space, then try again.")


class Joined:
    """Reads file after file, each opened when its turn comes."""

    def __init__(self, files: Iterable[BinaryIO]) -> None:
        self._chunks = (chunk for file in files for chunk in chunks(file))

    def read(self, size: int) -> bytes:
        """A chunk of whatever size the parts have; nothing at the end."""
        return next(self._chunks, b"")


def chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
