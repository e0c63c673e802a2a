"""How each segment of a family stands: its newest segment run, and what signals say of its data now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from apps.registry import queries as registry
from apps.retraining.models import Pipeline, SegmentRun, Signal

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily

SAYS_SOMETHING_FOR = timedelta(days=30)
"""A report that is older says nothing of the data of now."""


@dataclass(frozen=True)
class LastRun:
    """The newest segment run of a segment. `ended_ago` in seconds, None while it is under way."""

    id: int
    status: str
    reason: str
    ended_ago: float | None


@dataclass(frozen=True)
class Alarm:
    """The newest signal of its kind about a segment, where that is an alarm that nobody has settled."""

    id: int
    kind: str
    summary: str


def last_runs(*, actor: "User", family: "ModelFamily", segments: Collection[str] | None = None) -> dict[str, LastRun]:
    """By slug of the segment (of all, or of those named), of pipelines that the actor may see; one look into an index
    for each segment.
    """
    seen = Pipeline.objects.visible_to(actor).order_by().values("pk")
    of_segment = SegmentRun.objects.filter(segment=OuterRef("pk"), request__family=family, request__pipeline__in=seen)
    places = registry.segments(family) if segments is None else registry.places(family).filter(slug__in=segments)
    newest = places.order_by().values(newest=Subquery(of_segment.order_by("-id").values("pk")[:1]))
    runs = SegmentRun.objects.filter(pk__in=newest).order_by()
    now = timezone.now()
    return {
        slug: LastRun(pk, status, reason, (now - ended).total_seconds() if ended else None)
        for slug, pk, status, reason, ended in runs.values_list(
            "segment__slug", "pk", "status", "reason", "finished_at"
        )
    }


def alarms(family: "ModelFamily", segments: Collection[str] | None = None) -> dict[str, Sequence[Alarm]]:
    """By slug of the segment, in the order of their kinds; the caller has checked that the reader sees the family."""
    since = timezone.now() - SAYS_SOMETHING_FOR
    recent = Signal.objects.filter(family=family, segment__isnull=False, observed_at__gte=since)
    if segments is not None:
        recent = recent.filter(segment__slug__in=segments)
    newest = recent.order_by("segment_id", "kind", "-observed_at", "-id").distinct("segment_id", "kind")
    found: dict[str, list[Alarm]] = {}
    settled = F("set_aside_at"), F("incident__closed_at")
    for slug, pk, kind, summary, is_alarm, *over in newest.values_list(
        "segment__slug", "pk", "kind", "summary", "is_alarm", *settled
    ):
        if is_alarm and not any(over):
            found.setdefault(slug, []).append(Alarm(pk, kind, summary))
    return {slug: tuple(some) for slug, some in found.items()}
