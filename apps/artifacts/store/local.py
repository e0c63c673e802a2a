"""A folder on a local disk, which is what a portal uses that names no other place."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from apps.artifacts.paths import check_path
from apps.artifacts.store.base import CHUNK_BYTES, STALE_SECONDS, Held, Joined, Stored, damaged, full, part_missing
from apps.core.errors import Missing, Unavailable

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class LocalStore:
    """A folder on a local disk. Files are read only and appear by rename, so a reader never sees half of one."""

    root: Path

    @property
    def words(self) -> str:
        return f"the folder {self.root}"

    def put(self, source: BinaryIO) -> Stored:
        """Replacing an equal file also heals a damaged one."""
        return self._take(source, self._place)

    def put_part(self, upload: str, source: BinaryIO) -> Stored:
        return self._take(source, partial(self._part, upload))

    def open_parts(self, upload: str, parts: Sequence[str]) -> BinaryIO:
        return cast(BinaryIO, Joined(self._open_part(upload, sha256) for sha256 in parts))

    def drop_parts(self, upload: str) -> None:
        shutil.rmtree(self._parts(upload), ignore_errors=True)

    def open(self, sha256: str) -> BinaryIO:
        return _open_verified(self._place(sha256), sha256)

    def local_path(self, sha256: str) -> Path:
        self.open(sha256).close()
        return self._place(sha256)

    def check(self, sha256: str) -> None:
        self.open(sha256).close()

    def link(self, sha256: str, *, name: str, size: int) -> str:
        """Nobody but the portal reaches its disk."""
        return ""

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

    def published_names(self) -> Iterator[str]:
        folder = self.root / "published"
        yield from sorted(str(found.relative_to(folder)) for found in folder.rglob("*") if found.is_file())

    def names(self) -> Iterator[tuple[str, datetime]]:
        for place in sorted((self.root / "sha256").glob("*/*")):
            with suppress(FileNotFoundError):
                yield place.name, datetime.fromtimestamp(place.stat().st_mtime, UTC)

    def held(self, sha256: str) -> Held | None:
        try:
            found = self._place(sha256).stat()
        except FileNotFoundError:
            return None
        return Held(found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def remove(self, sha256: str) -> None:
        self._place(sha256).unlink(missing_ok=True)

    def tidy(self) -> None:
        for left in self._incoming().iterdir():
            _remove_if_stale(left)

    def reach(self) -> None:
        with _kept_whole():
            self._incoming()

    def note_use(self, sha256: str) -> None:
        """For a cache: somebody needs these bytes."""
        with suppress(OSError):
            os.utime(self._place(sha256))

    def drop_unused(self, seconds: float) -> None:
        """For a cache: what nobody needed for so long goes."""
        before = datetime.fromtimestamp(time.time() - seconds, UTC)
        for sha256, used in list(self.names()):
            if used < before:
                self.remove(sha256)

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
            raise part_missing(sha256) from error

    def _parts(self, upload: str) -> Path:
        return self.root / "incoming" / check_path(upload)

    def _part(self, upload: str, sha256: str) -> Path:
        return self._parts(upload) / check_path(sha256)

    def _published(self, name: str) -> Path:
        return self.root / "published" / check_path(name)

    def _place(self, sha256: str) -> Path:
        return self.root / "sha256" / sha256[:2] / sha256

    def _new_file(self) -> BinaryIO:
        self.tidy()
        return tempfile.NamedTemporaryFile(dir=self._incoming(), delete=False)  # type: ignore[return-value]

    def _incoming(self) -> Path:
        folder = self.root / "incoming"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def _rename(self, incoming: BinaryIO, place: Path) -> None:
        """Durable before it has its name."""
        os.fchmod(incoming.fileno(), 0o444)
        os.fsync(incoming.fileno())
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        Path(incoming.name).replace(place)
        _sync_folder(place.parent)


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


def _open_verified(place: Path, sha256: str) -> BinaryIO:
    try:
        file = place.open("rb")
    except OSError as error:
        raise damaged(sha256) from error
    if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
        file.close()
        raise damaged(sha256)
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
            raise full() from error
        reason = os.strerror(error.errno or 0)
        raise Unavailable(f"The file store can not be written ({reason}), so nothing was stored. Try again.") from error
