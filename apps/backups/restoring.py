"""The way back, into an empty database and a file store."""

from __future__ import annotations

from django.db import transaction

from apps.artifacts.actions import put_blob
from apps.artifacts.store import Damaged, Store
from apps.audit.actions import shift_transactions
from apps.audit.queries import last_transaction
from apps.backups.archive import Backup, Manifest, Table
from apps.backups.database import check_empty, load, tables
from apps.core.errors import Conflict, Invalid
from apps.notifications.actions import shift_cursor
from apps.registry.actions import want_all_snapshots


def restore(backup: Backup, files: Store | None = None) -> Manifest:
    """First the files, which may lie elsewhere, then the database in one transaction: what breaks off is done again.

    Raises Invalid for a database that is not empty and for a backup that is damaged, Conflict where a table does not
    hold afterwards what it held.
    """
    check_empty()
    manifest = backup.manifest()
    for sha256, _ in backup.files():
        if sha256 not in manifest.lost:
            _put_back(files or backup.stored, sha256)
    load(backup.dump)
    _compare(manifest.tables, tables())
    _precede_this_server()
    want_all_snapshots()
    return manifest


@transaction.atomic
def _precede_this_server() -> None:
    """The outbox is read in the order of transactions, whose numbers another server begins anew."""
    last = max(0, last_transaction())
    shift_transactions(by=last)
    shift_cursor(by=last)


def _put_back(files: Store, sha256: str) -> None:
    try:
        with files.open(sha256) as source:
            put_blob(source=source)
    except Damaged as error:
        raise Invalid(f"The file {sha256} is gone from the backup, or damaged. Take an older one.") from error


def _compare(were: dict[str, Table], are: dict[str, Table]) -> None:
    different = sorted(name for name in were.keys() | are.keys() if were.get(name) != are.get(name))
    if different:
        raise Conflict(f"Restored, but not equal to what was backed up: {', '.join(different)}. Do not use it.")
