"""The file that serving reads without the portal: written anew after each change of what it shows."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from apps.artifacts.actions import publish
from apps.core.doorbell import ring
from apps.core.signing import key_id
from apps.registry.models import ModelFamily, Snapshot
from apps.registry.queries.snapshots import signed_snapshot, snapshot_name, snapshots_due

LOCK = zlib.crc32(b"registry.snapshot") - 2**31
"""PostgreSQL wants 32 bits with a sign."""


def want_snapshot(*, family: ModelFamily) -> None:
    """Something that the snapshot shows has changed; the caller holds the family's lock."""
    changed = Snapshot.objects.filter(family=family).update(changes=F("changes") + 1)
    if not changed:
        Snapshot.objects.create(family=family)
    ring("registry.publish")


def want_all_snapshots() -> None:
    """The store is another one, so every file is written anew."""
    Snapshot.objects.update(changes=F("changes") + 1)


def publish_snapshots() -> int:
    """Writes what is due, and answers how many files it wrote; raises Unavailable while the store is away."""
    due = snapshots_due().values_list("pk", flat=True)
    return sum(_publish(pk) for pk in due)


def _publish(pk: int) -> bool:
    """The file shows at least the changes that are noted: they are counted before it is made."""
    with _alone(pk) as is_alone:
        if is_alone:
            snapshot = Snapshot.objects.select_related("family").get(pk=pk)
            publish(name=snapshot_name(snapshot.family), content=signed_snapshot(snapshot.family))
            shown = {"published": snapshot.changes, "published_at": Now(), "key_id": key_id()}
            Snapshot.objects.filter(pk=pk).update(**shown)
    return is_alone


@contextmanager
def _alone(pk: int) -> Iterator[bool]:
    """One writer per family, so that an older file never replaces a newer; nobody who moves an alias waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, pk])
        is_alone = cursor.fetchone()[0]
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, pk])
