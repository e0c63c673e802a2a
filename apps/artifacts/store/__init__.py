"""Where the bytes are: a folder, or a place in S3, as the settings say."""

from __future__ import annotations

from django.conf import settings

from apps.artifacts.store.base import CHUNK_BYTES, STALE_SECONDS, Damaged, Store, Stored
from apps.artifacts.store.local import LocalStore
from apps.artifacts.store.s3 import S3Store
from apps.platforms.own_place import own_place
from apps.platforms.s3 import Bucket, Place

__all__ = [
    "CHUNK_BYTES",
    "STALE_SECONDS",
    "Damaged",
    "LocalStore",
    "S3Store",
    "Store",
    "Stored",
    "default_store",
    "files_below",
    "store_at",
]


def default_store() -> Store:
    """The store that the settings name."""
    return store_at(settings.ARTIFACT_STORE)


def store_at(address: str) -> Store:
    """`s3://bucket/prefix`; "" is the folder of the portal itself. Raises Invalid."""
    if not address:
        return LocalStore(settings.VAR_DIR / "artifacts")
    return files_below(own_place(address))


def files_below(place: Place) -> S3Store:
    """The files that lie there, whosever they are."""
    return S3Store(
        Bucket(place),
        cache=LocalStore(settings.VAR_DIR / "cache"),
        link_from=settings.ARTIFACT_LINK_BYTES,
        link_seconds=settings.S3_LINK_SECONDS,
    )
