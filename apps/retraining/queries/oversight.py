"""Reads over many requests at once: lists that people search, and what operators look after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, Count, Max, Min, Q, Value, When, Window
from django.db.models.functions import Now, RowNumber

from apps.retraining.models import OPEN_RUNS, RequestQuerySet, RetrainingRequest, SegmentRun, SegmentRunQuerySet
from apps.retraining.queries.requests import requests, runs_seen, told_apart

if TYPE_CHECKING:
    from apps.accounts.models import User

RECENT = timedelta(hours=24)
MOST_GROUPS = 20
Status = SegmentRun.Status
WORST_FIRST = (
    Status.FAILED,
    Status.NO_DATA,
    Status.CANCELLED,
    Status.RUNNING,
    Status.SENT,
    Status.WAITING,
    Status.SUCCEEDED,
)


@dataclass(frozen=True)
class Load:
    """Open segment runs of one pipeline; `oldest` is when the first of their requests was sent."""

    pipeline: str
    slug: str
    waiting: int
    sent: int
    running: int
    oldest: datetime


@dataclass(frozen=True)
class RecentFailure:
    """Segment runs that failed lately for one reason; `runs` and `requests` are ids, the newest first."""

    cause: str
    reason: str
    count: int
    pipelines: Sequence[str]
    requests: Sequence[int]
    newest_run: int
    newest_at: datetime


@dataclass(frozen=True)
class Cell:
    """A segment run in the matrix of its request."""

    run: int
    name: str  # of the segment, with the slug where the name alone does not tell which


def matrix(request: RetrainingRequest, *, most: int) -> dict[str, list[Cell]]:
    """At most so many segment runs of each status, what needs somebody first, by name; in one statement."""
    cells: dict[str, list[Cell]] = {}
    place = Window(RowNumber(), partition_by="status", order_by=("segment__name", "segment__slug"))
    runs = worst_first(request.runs.annotate(place=place).filter(place__lte=most))
    for run, status, name, slug in runs.values_list("id", "status", "segment__name", "segment__slug"):
        cells.setdefault(status, []).append(Cell(run, told_apart(name=name, slug=slug)))
    return cells


def worst_first(runs: SegmentRunQuerySet) -> SegmentRunQuerySet:
    """What needs somebody on top; by name within a status, then by slug."""
    places = Case(*(When(status=status, then=Value(place)) for place, status in enumerate(WORST_FIRST)))
    return runs.order_by(places, "segment__name", "segment__slug")


def matching(requests: RequestQuerySet, text: str) -> RequestQuerySet:
    """Requests with that number (`12`, `#12`), or with the words in family, pipeline, requester or reason."""
    text = text.strip().replace("\0", "")
    if not text:
        return requests
    if text.lstrip("#").isdecimal():
        return requests.filter(pk=int(text.lstrip("#")[:18]))
    places = ("family__name", "family__slug", "pipeline__name", "requester__name", "requester__username", "reason")
    found = Q()
    for place in places:
        found |= Q(**{f"{place}__icontains": text})
    return requests.filter(found)


def open_requests(actor: "User") -> RequestQuerySet:
    """Those that still have segment runs to end, the oldest first."""
    waiting = (RetrainingRequest.Status.SUBMITTED, RetrainingRequest.Status.RUNNING)
    return requests(actor).filter(status__in=waiting).order_by("id")


def load_by_pipeline(actor: "User") -> list[Load]:
    """Pipelines with open segment runs, the one with most of them first."""
    rows = runs_seen(actor).open().values("request__pipeline__name", "request__pipeline__slug")
    waiting, sent, running = (Count("id", filter=Q(status=status)) for status in OPEN_RUNS)
    loads = rows.annotate(
        open=Count("id"), oldest=Min("request__created_at"), waiting=waiting, sent=sent, running=running
    ).order_by("-open")
    return [
        Load(
            pipeline=row["request__pipeline__name"],
            slug=row["request__pipeline__slug"],
            waiting=row["waiting"],
            sent=row["sent"],
            running=row["running"],
            oldest=row["oldest"],
        )
        for row in loads
    ]


def recent_failures(actor: "User") -> list[RecentFailure]:
    """What failed in the last day and still is failed, grouped by reason, the most frequent first."""
    failed = runs_seen(actor).filter(status=Status.FAILED, finished_at__gt=Now() - RECENT)
    groups = failed.values("cause", "reason").annotate(
        count=Count("id"),
        pipelines=ArrayAgg("request__pipeline__name", distinct=True),
        requests=ArrayAgg("request_id", distinct=True, order_by="-request_id"),
        newest_run=Max("id"),
        newest_at=Max("finished_at"),
    )
    return [RecentFailure(**group) for group in groups.order_by("-count", "-newest_at")[:MOST_GROUPS]]
