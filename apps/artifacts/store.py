"""Where the bytes are: content-addressed by sha256, whole or not at all."""

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from django.conf import settings

from apps.artifacts.paths import check_path
from apps.core.errors import Missing, Unavailable

CHUNK_BYTES = 1_048_576
STALE_SECONDS = 3_600
"""What is half sent and got no byte for an hour belongs to somebody who is gone."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Stored:
    """What was stored: hex sha256 and size in bytes."""

    sha256: str
    size: int


class Store(Protocol):
    """Bytes by their sha256. All methods raise Unavailable when the place is full, away or damaged."""

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
        """The bytes, verified before the first one is handed out."""
        ...

    def local_path(self, sha256: str) -> Path:
        """A local file of these bytes, verified; the caller only reads it."""
        ...

    def publish(self, name: str, content: bytes) -> None:
        """A file under a name of its own, `published/<name>`: the next one replaces it whole."""
        ...

    def published(self, name: str) -> bytes:
        """What was published under that name last. Raises Missing."""
        ...


@dataclass(frozen=True)
class LocalStore:
    """A folder on a local disk. Files are read only and appear by rename, so a reader never sees half of one."""

    root: Path

    def put(self, source: BinaryIO) -> Stored:
        """Replacing an equal file also heals a damaged one."""
        return self._take(source, self._place)

    def put_part(self, upload: str, source: BinaryIO) -> Stored:
        return self._take(source, partial(self._part, upload))

    def open_parts(self, upload: str, parts: Sequence[str]) -> BinaryIO:
        return cast(BinaryIO, _Joined(self._open_part(upload, sha256) for sha256 in parts))

    def drop_parts(self, upload: str) -> None:
        shutil.rmtree(self._parts(upload), ignore_errors=True)

    def open(self, sha256: str) -> BinaryIO:
        return _open_verified(self._place(sha256), sha256)

    def local_path(self, sha256: str) -> Path:
        self.open(sha256).close()
        return self._place(sha256)

    def publish(self, name: str, content: bytes) -> None:
        with _kept_whole():
            incoming = self._new_file()
            try:
                incoming.write(content)
                incoming.flush()
                self._rename(incoming, self._published(name))
            finally:
                with suppress(OSError):
                    incoming.close()
                Path(incoming.name).unlink(missing_ok=True)

    def published(self, name: str) -> bytes:
        try:
            return self._published(name).read_bytes()
        except FileNotFoundError as error:
            raise Missing("Nothing has been published under that name yet.") from error

    def _take(self, source: BinaryIO, place: Callable[[str], Path]) -> Stored:
        """Copies the source to its end, then gives it the place of its sha256."""
        with _kept_whole():
            incoming = self._new_file()
        try:
            stored = _copy(source, incoming)
            with _kept_whole():
                self._rename(incoming, place(stored.sha256))
        finally:
            with suppress(OSError):  # on a full disk the rest of its buffer has nowhere to go
                incoming.close()
            Path(incoming.name).unlink(missing_ok=True)
        return stored

    def _open_part(self, upload: str, sha256: str) -> BinaryIO:
        try:
            return _open_verified(self._part(upload, sha256), sha256)
        except Unavailable as error:
            raise Missing(f"The part {sha256[:12]} of this upload is not here whole; send the file again.") from error

    def _parts(self, upload: str) -> Path:
        return self.root / "incoming" / check_path(upload)

    def _part(self, upload: str, sha256: str) -> Path:
        return self._parts(upload) / check_path(sha256)

    def _published(self, name: str) -> Path:
        return self.root / "published" / check_path(name)

    def _place(self, sha256: str) -> Path:
        return self.root / "sha256" / sha256[:2] / sha256

    def _new_file(self) -> BinaryIO:
        folder = self.root / "incoming"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.iterdir():
            _remove_if_stale(left)
        return tempfile.NamedTemporaryFile(dir=folder, delete=False)  # type: ignore[return-value]

    def _rename(self, incoming: BinaryIO, place: Path) -> None:
        """Durable before it has its name."""
        os.fchmod(incoming.fileno(), 0o444)
        os.fsync(incoming.fileno())
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        Path(incoming.name).replace(place)
        _sync_folder(place.parent)


def default_store() -> Store:
    """The store that the settings name."""
    return LocalStore(settings.VAR_DIR / "artifacts")


def _copy(source: BinaryIO, target: BinaryIO) -> Stored:
    """An error of the source stays what it is; only the target's are the store's."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
        with _kept_whole():
            target.write(chunk)
    with _kept_whole():
        target.flush()
    return Stored(digest.hexdigest(), size)


class _Joined:
    """Reads file after file, each opened when its turn comes."""

    def __init__(self, files: Iterable[BinaryIO]) -> None:
        self._chunks = (chunk for file in files for chunk in _chunks(file))

    def read(self, size: int) -> bytes:
        """A chunk of whatever size the parts have; nothing at the end."""
        return next(self._chunks, b"")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _open_verified(place: Path, sha256: str) -> BinaryIO:
    try:
        file = place.open("rb")
    except OSError as error:
        raise _damaged(sha256) from error
    if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
        file.close()
        raise _damaged(sha256)
    file.seek(0)
    return file


def _remove_if_stale(left: Path) -> None:
    """Another process may be sweeping, or finishing, the same file. A folder of parts is as old as its newest."""
    try:
        if left.stat().st_mtime < time.time() - STALE_SECONDS:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    except FileNotFoundError:
        return


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _kept_whole() -> Iterator[None]:
    """Errors of the disk become the sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise Unavailable(
                "The file store is full, so nothing was stored. Free disk space, then try again."
            ) from error
        reason = os.strerror(error.errno or 0)
        raise Unavailable(f"The file store can not be written ({reason}), so nothing was stored. Try again.") from error


def _damaged(sha256: str) -> Unavailable:
    return Unavailable(
        f"The stored file {sha256[:12]} is gone or damaged, so it is not handed out. "
        "Ask the platform team to restore it from a backup."
    )
