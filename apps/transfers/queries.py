"""Reads of transfers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, Q
from django.db.models.functions import Now

from apps.platforms.queries import connections
from apps.platforms.uses import Use
from apps.transfers.models import Transfer

if TYPE_CHECKING:
    from apps.platforms.models import Connection

MOST_USES = 500
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


def uses_of(connection: Connection) -> list[Use]:
    """The models whose files came from there or are on their way, by name."""
    rows = Transfer.objects.filter(connection=connection).values("version__model__name", "version__model__family")
    failed = Count("pk", filter=Q(status=Transfer.Status.FAILED))
    counted = rows.annotate(versions=Count("pk"), failed=failed, problem=Max("problem")).order_by(
        "version__model__name"
    )
    return [_use(row) for row in counted[:MOST_USES]]


def _use(row: Mapping[str, Any]) -> Use:
    name, versions = row["version__model__name"], row["versions"]
    words = "1 version" if versions == 1 else f"{versions} versions"
    problem = f"{row['failed']} failed: {row['problem']}" if row["failed"] else ""
    address = f"/m/{name.replace('.', '/', 1)}/" if row["version__model__family"] else ""
    return Use(name, words, address, problem)


def versions_from(connection: Connection) -> frozenset[int]:
    """Ids of the versions that were imported from that registry."""
    done = Transfer.objects.filter(connection=connection, status=Transfer.Status.DONE)
    return frozenset(done.filter(version__kind="imported").values_list("version", flat=True))
