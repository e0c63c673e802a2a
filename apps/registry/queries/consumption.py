"""Who uses which version, and which versions nobody would miss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.registry.models import Alias, AliasMove, Consumption, ModelFamily, ModelVersion, Promotion
from apps.registry.models.version import VersionQuerySet

UNUSED_DAYS = 30


def consumption(version: ModelVersion) -> QuerySet[Consumption]:
    """Who used it in which way, the latest first."""
    return Consumption.objects.filter(version=version).select_related("user").order_by("-last_at")


def unused_versions(family: ModelFamily, *, days: int = UNUSED_DAYS) -> VersionQuerySet:
    """Safe to delete: older than that, used by nobody since, no alias on it now or since, and no open promotion.

    By model and number, so that a preview reads like the fleet.
    """
    since = _days_ago(days)
    of_it = OuterRef("pk")
    moved = AliasMove.objects.filter(Q(after=of_it) | Q(before=of_it), at__gte=since)
    wanted = (
        Consumption.objects.filter(version=of_it, last_at__gte=since),
        Alias.objects.filter(version=of_it),
        moved,
        Promotion.objects.filter(Q(candidate=of_it) | Q(champion=of_it) | Q(before=of_it), is_open=True),
    )
    found = ModelVersion.objects.living().filter(model__family=family, created_at__lt=since)
    for rows in wanted:
        found = found.exclude(Exists(rows))
    return found.whole().order_by("model__segment__name", "number")


def loaded_by(versions: Iterable[int], *, days: int = UNUSED_DAYS) -> Counter[int]:
    """By id of the version, how many use it: people and services, each place that says to serve it on its own."""
    uses = Consumption.objects.filter(version__in=list(versions), last_at__gte=_days_ago(days)).order_by()
    return Counter(version for version, *_ in uses.values_list("version", "user", "place").distinct())


def _days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)
