"""Who holds which attempt; and the attempts that platforms have, as rows tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now

from apps.platforms.base import Handed, Order
from apps.retraining.models import Attempt, SegmentRun

LOG_EVERY = timedelta(seconds=10)
LONGEST_NOTE = 900


@dataclass(frozen=True)
class Hold:
    """Which attempt of which run: what fences every write about it."""

    run_id: int
    attempt: int


@dataclass(frozen=True)
class Abroad(Hold):
    """One attempt that a platform has, or is about to get; times are the database's."""

    attempt_id: int
    connection_id: int
    order: Order
    seconds: float  # it may run for so long
    is_again: bool
    started_at: datetime
    accepted_at: datetime | None
    seen_at: datetime | None
    looked_at: datetime | None
    phase: str
    cancelling: bool
    end_asked_at: datetime | None
    log_cursor: str
    log_is_due: bool
    now: datetime

    @property
    def handed(self) -> Handed:
        return self.order.handed


def abroad(**conditions: Any) -> list[Abroad]:
    """Open attempts that platforms have, the oldest first; only the newest of each run."""
    wished = Q(segment_run__cancel_requested_at__isnull=False)
    wished |= Q(segment_run__request__cancel_requested_at__isnull=False)
    attempts = Attempt.objects.select_related("segment_run__segment", "segment_run__request__requester")
    stopping = ExpressionWrapper(wished, BooleanField())
    found = attempts.annotate(now=Now(), cancelling=stopping).filter(
        connection__isnull=False, ended_at=None, number=F("segment_run__attempt")
    )
    return [_abroad(attempt) for attempt in found.filter(**conditions).order_by("pk")]


def due() -> QuerySet[Attempt]:
    """Attempts at platforms that nobody looks after at the moment."""
    return Attempt.objects.filter(
        connection__isnull=False,
        ended_at=None,
        number=F("segment_run__attempt"),
        segment_run__status=SegmentRun.Status.RUNNING,
        segment_run__lease_until__lt=Now(),
    )


def connections_due() -> list[int]:
    """Connections that have runs which nobody looks after at the moment."""
    return [number for number in due().order_by("connection").values_list("connection", flat=True).distinct() if number]


def connection_name_of(run_id: int) -> str:
    """As the run's plan was frozen with it."""
    plan = SegmentRun.objects.filter(pk=run_id).values_list("request__plan", flat=True).first()
    return str((plan or {}).get("connection", ""))


def last_look(held: Sequence[Abroad]) -> datetime:
    """The oldest time until which everything about one of them is noted."""
    return min(one.looked_at or one.accepted_at or one.now for one in held)


def _abroad(attempt: Any) -> Abroad:
    run = attempt.segment_run
    plan = run.request.plan
    read = attempt.log_read_at
    return Abroad(
        run_id=run.pk,
        attempt=attempt.number,
        attempt_id=attempt.pk,
        connection_id=attempt.connection_id,
        order=_order(attempt, plan),
        seconds=plan["seconds"],
        is_again=attempt.is_again,
        started_at=attempt.started_at,
        accepted_at=attempt.accepted_at,
        seen_at=attempt.seen_at,
        looked_at=run.heartbeat_at,
        phase=attempt.phase,
        cancelling=attempt.cancelling,
        end_asked_at=attempt.end_asked_at,
        log_cursor=attempt.log_cursor,
        log_is_due=read is None or attempt.now - read > LOG_EVERY,
        now=attempt.now,
    )


def _order(attempt: Any, plan: Mapping[str, Any]) -> Order:
    run = attempt.segment_run
    request, segment = run.request, run.segment.slug
    own = {plan["segment_parameter"]: segment} if plan["segment_parameter"] else {}
    return Order(
        handed=Handed(plan["workflow"], attempt.outside_id),
        params={**plan["parameters"], **own},
        note=_note(request, run.pk),
        partition=segment if plan["partitioned"] else "",
    )


def _note(request: Any, run_id: int) -> str:
    where = f" {settings.PORTAL_URL}/retraining/runs/{run_id}/" if settings.PORTAL_URL else ""
    return f"Requested by {request.requester} in the portal's request #{request.pk}.{where}"[:LONGEST_NOTE]
