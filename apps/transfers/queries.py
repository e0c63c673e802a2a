"""Reads of transfers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.db.models.functions import Now

from apps.platforms.queries import connections
from apps.transfers.models import Transfer

if TYPE_CHECKING:
    from apps.platforms.models import Connection

SOON = timedelta(seconds=90)  # longer than a lease, so that what a lost worker had is soon


def may_lie_elsewhere() -> bool:
    """True where an MLflow server is connected, so that what is unknown here may lie there."""
    return connections("mlflow").exists()


def on_their_way(connection: Connection) -> int:
    """How many versions still wait for their files from there."""
    return Transfer.objects.filter(connection=connection).open().count()


def soon(connection: Connection) -> bool:
    """True if one of them is being copied, or tried again in a moment."""
    due = Q(status=Transfer.Status.WORKING) | Q(next_at__lte=Now() + SOON)
    return Transfer.objects.filter(connection=connection).open().filter(due).exists()
