"""What segment runs had loaded, told to the catalog: who uses which tool, without asking anybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Max
from django.db.models.functions import Now

from apps.catalog.actions import Seen, sync_discovered
from apps.retraining.models import LibrarySet, SegmentRun, Visibility

SEEN_WITHIN = timedelta(days=90)
"""What no run has loaded for so long is no longer used."""
USERS = {"pipeline": "request__pipeline", "family": "request__family"}


def discover_usage() -> int:
    """What is discovered becomes what the runs of the last 90 days say; answers how many uses. Evidence: no actor."""
    rows = list(_rows())
    held = LibrarySet.objects.in_bulk({row["libraries"] for row in rows})
    return sync_discovered(seen=[seen for row in rows for seen in _seen(row, held[row["libraries"]].distributions)])


def _rows() -> Any:
    """Who ran with which libraries, the newest last."""
    ended = SegmentRun.objects.filter(libraries__isnull=False, finished_at__gte=Now() - SEEN_WITHIN).order_by()
    named = {f"{kind}_{column}": F(f"{path}__{column}") for kind, path in USERS.items() for column in COLUMNS}
    found = ended.values("libraries", **named)
    return found.annotate(runs=Count("pk"), last=Max("finished_at")).order_by("last")


COLUMNS = ("slug", "team_id", "visibility")


def _seen(row: dict[str, Any], distributions: dict[str, str]) -> Iterator[Seen]:
    for kind in USERS:
        for name, version in distributions.items():
            yield Seen(
                distribution=name,
                version=version[:64],
                kind=kind,
                name=row[f"{kind}_slug"],
                team_id=row[f"{kind}_team_id"],
                last_seen=row["last"].date(),
                evidence=f"{name} in {row['runs']} segment run{'s' * (row['runs'] != 1)}"[:300],
                restricted=row[f"{kind}_visibility"] == Visibility.TEAMS,
            )
