"""Taking a backup while the portal goes on."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from apps.artifacts.actions import whole_store
from apps.artifacts.queries import all_blobs, open_blob
from apps.artifacts.store import Damaged, Store
from apps.backups.archive import Backup, Manifest, sha256_of
from apps.backups.database import dump, one_moment, tables
from apps.core.errors import Conflict
from apps.core.release import release


def take(root: Path, files: Store | None = None) -> Backup:
    """A backup of this moment below the root folder; the stored files lie there, too, or in another place.

    Files that an earlier one has are not copied again, nor those that one which broke off had copied. Raises Conflict
    while another one is being taken, Unavailable where the database can not be dumped or a place is away.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(root):
        backup, taken_at = Backup.begin(root), datetime.now(UTC)
        # A stored file is there before the row that names it, and none is removed meanwhile: so they may come later.
        with whole_store():
            with one_moment() as snapshot:
                dump(backup.dump, snapshot)
                held, blobs = tables(), list(all_blobs())
            lost = _keep(files or backup.stored, [sha256 for sha256, _ in blobs])
        size = sum(size for _, size in blobs)
        digest = sha256_of(backup.dump)
        manifest = Manifest(taken_at.isoformat(), release(), digest, len(blobs), size, lost, held)
        return backup.finish(manifest, blobs)


def _keep(files: Store, wanted: Sequence[str]) -> list[str]:
    """Those that can not be kept; what is new is verified as it is read."""
    there = {sha256 for sha256, _ in files.names()}
    return [sha256 for sha256 in wanted if sha256 not in there and not _copy(files, sha256)]


def _copy(files: Store, sha256: str) -> bool:
    try:
        source = open_blob(sha256)
    except Damaged:
        return False
    with source:
        files.put(source)
    return True


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"Another backup is being taken into {root}; wait for it.") from error
        yield
