"""What open requests wait for, read for all of a page at once."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now

from apps.platforms.base import Phase
from apps.retraining.models import Attempt, Pipeline, RetrainingRequest, SegmentRun, TeamQuota
from apps.retraining.queries.workers import slots
from apps.retraining.standstill import Standing, why_it_waits

Status = SegmentRun.Status
MISSED_BEATS = 3
NO_TIME = timedelta(0)
Row = Mapping[str, Any]
Busy = Mapping[str, Mapping[Any, int]]


def why_they_wait(requests: Sequence[RetrainingRequest]) -> dict[int, list[str]]:
    """Sentences by request, for those that are open; in so many queries, however many requests."""
    ids = [request.pk for request in requests if request.is_open]
    if not ids:
        return {}
    open_runs = {row["request"]: row for row in _open_runs(ids)}
    behind = {row["request"]: row for row in _behind(ids)}
    busy, quotas = _busy(), dict(TeamQuota.objects.values_list("team", "max_concurrent"))
    room: dict[str, Any] = {"slots": slots(), "in_use": _in_use()}
    abroad = _abroad([one.pk for one in requests if one.is_open and "connection_id" in one.plan])
    return {
        one.pk: why_it_waits(
            Standing(
                **_counts(one, open_runs.get(one.pk), behind.get(one.pk)),
                **room,
                **_limits(one, busy, quotas),
                **abroad.get(one.pk, {}),
            )
        )
        for one in requests
        if one.is_open
    }


def _in_use() -> int:
    """Places of our own workers."""
    running = SegmentRun.objects.filter(status=Status.RUNNING)
    return running.exclude(request__pipeline__connection__isnull=False).count()


def _abroad(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """How it stands at platforms, by request; asks nothing where none of them has a run."""
    if not ids:
        return {}
    attempts = Attempt.objects.filter(
        segment_run__request__in=ids, segment_run__status=Status.RUNNING, ended_at=None, connection__isnull=False
    )
    not_begun = Q(phase__in=("", Phase.QUEUED.value))
    places = ("segment_run__request", "connection__health", "connection__said")
    rows = attempts.order_by().values(*places).annotate(
        queued=Count("id", filter=not_begun),
        first=Coalesce(Now() - Min("started_at", filter=not_begun), NO_TIME),
    )  # fmt: skip
    return {
        row["segment_run__request"]: {
            "trouble": row["connection__said"] if row["connection__health"] == "trouble" else "",
            "queued": row["queued"],
            "queued_for": row["first"].total_seconds(),
        }
        for row in rows
    }


def _open_runs(ids: Sequence[int]) -> Any:
    pausing, running = Q(status=Status.WAITING, not_before__gt=Now()), Q(status=Status.RUNNING)
    silence = timedelta(seconds=MISSED_BEATS * settings.RETRAINING_HEARTBEAT_SECONDS)
    return (
        SegmentRun.objects.open()
        .filter(request__in=ids)
        .order_by()
        .values("request")
        .annotate(
            open=Count("id"),
            sent=Count("id", filter=Q(status=Status.SENT)),
            running=Count("id", filter=running),
            pausing=Count("id", filter=pausing),
            next_try=Coalesce(Min("not_before", filter=pausing) - Now(), NO_TIME),
            silent=Count("id", filter=running & Q(heartbeat_at__lt=Now() - silence)),
            longest=Coalesce(Now() - Min("started_at", filter=running), NO_TIME),
        )
    )


def _behind(ids: Sequence[int]) -> Any:
    """Waiting runs whose segment an earlier request of the same family still trains, where that is waited for."""
    same = SegmentRun.objects.open().filter(
        segment=OuterRef("segment"), request__family=OuterRef("request__family"), request__lt=OuterRef("request")
    )
    earlier = Subquery(same.order_by("request").values("request")[:1])
    waiting = SegmentRun.objects.filter(
        request__in=ids, status=Status.WAITING, request__plan__overlap=Pipeline.Overlap.QUEUE
    )
    found = waiting.order_by().annotate(earlier=earlier).filter(earlier__isnull=False)
    return found.values("request").annotate(behind=Count("id"), first=Min("earlier"))


def _busy() -> Busy:
    """Runs on their way, by pipeline and by the team of their family."""
    kinds = {"pipeline": "request__pipeline", "team": "request__family__team"}
    busy: dict[str, dict[Any, int]] = {kind: {} for kind in kinds}
    for *keys, count in SegmentRun.objects.on_their_way().order_by().values_list(*kinds.values()).annotate(Count("id")):
        for kind, key in zip(kinds, keys, strict=True):
            busy[kind][key] = busy[kind].get(key, 0) + count
    return busy


def _counts(request: RetrainingRequest, runs: Row | None, behind: Row | None) -> dict[str, Any]:
    if runs is None:
        return {}
    waits_behind = behind["behind"] if behind else 0
    counted = {name: runs[name] for name in ("sent", "running", "pausing", "silent")}
    return counted | {
        "ready": max(runs["open"] - runs["sent"] - runs["running"] - runs["pausing"] - waits_behind, 0),
        "next_try": runs["next_try"].total_seconds(),
        "longest": runs["longest"].total_seconds(),
        "may_take": request.plan["seconds"],
        "behind": waits_behind,
        "earlier": behind["first"] if behind else 0,
        "trying_out": request.segments_total - runs["open"] < request.plan.get("canary", 0),
        "stopping": request.is_stopping,
        "held_because": request.held_because if request.is_held else "",
    }


def _limits(request: RetrainingRequest, busy: Busy, quotas: Mapping[int, int]) -> dict[str, Any]:
    pipeline, team = request.pipeline, request.family.team
    limits: dict[str, Any] = {
        "platform": request.plan.get("connection", ""),
        "pipeline": pipeline.name,
        "pipeline_room": pipeline.max_concurrent - busy["pipeline"].get(pipeline.pk, 0),
        "team": team.name,
    }
    if team.pk in quotas:
        limits["team_room"] = quotas[team.pk] - busy["team"].get(team.pk, 0)
    return limits
