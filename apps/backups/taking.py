"""Taking a backup while the portal goes on."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from apps.artifacts.queries import all_blobs, open_blob
from apps.backups.archive import Backup, Manifest, sha256_of
from apps.backups.database import dump, one_moment, tables
from apps.core.errors import Conflict, Unavailable
from apps.core.release import release


def take(root: Path) -> Backup:
    """A backup of this moment below the root folder. Files that an earlier one has are not copied again, nor those
    that one which broke off had copied. Raises Conflict while another one is being taken, Unavailable where the
    database can not be dumped.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(root):
        backup, taken_at = Backup.begin(root), datetime.now(UTC)
        with one_moment() as snapshot:
            dump(backup.dump, snapshot)
            held, blobs = tables(), list(all_blobs())
        # A stored file is there before the row that names it, and none is ever removed: so the files may come later.
        lost = [sha256 for sha256, _ in blobs if not _keep(backup, sha256)]
        size = sum(size for _, size in blobs)
        digest = sha256_of(backup.dump)
        manifest = Manifest(taken_at.isoformat(), release(), digest, len(blobs), size, lost, held)
        return backup.finish(manifest, blobs)


def _keep(backup: Backup, sha256: str) -> bool:
    """True when the bytes are in the backup; they are verified as they are read."""
    place = backup.place_of(sha256)
    if place.exists():
        return True
    try:
        source = open_blob(sha256)
    except Unavailable:
        return False
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with source, tempfile.NamedTemporaryFile(dir=backup.folder, delete=False) as target:
        shutil.copyfileobj(source, target, 1_048_576)
        target.flush()
        os.fsync(target.fileno())
    Path(target.name).replace(place)
    return True


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"Another backup is being taken into {root}; wait for it.") from error
        yield
