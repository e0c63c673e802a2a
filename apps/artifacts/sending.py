"""A stored file at a door: sent by the portal, or where it is large by S3. The caller has checked who reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.artifacts.queries import link_to, open_stored
from apps.core.downloads import attachment, elsewhere, ranged

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from apps.artifacts.models import TreeFile


def send(file: TreeFile) -> HttpResponseBase:
    """A download of the verified bytes."""
    if address := link_to(file):
        return elsewhere(address)
    return attachment(open_stored(file), path=file.path, size=file.size, sha256=file.blob_id)


def send_range(file: TreeFile, *, wanted: str) -> HttpResponseBase:
    """The same for clients that may ask for a part, in the header Range."""
    if address := link_to(file):
        return elsewhere(address)
    return ranged(open_stored(file), path=file.path, size=file.size, sha256=file.blob_id, wanted=wanted)
