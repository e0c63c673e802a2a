"""What waits for a person, gathered from the parts of the portal: each kind is a read and a sentence about a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models.functions import Now
from django.urls import reverse

from apps.accounts.rules import is_operator
from apps.approvals import queries as approvals
from apps.catalog import queries as catalog
from apps.registry import queries as registry
from apps.retraining import queries as retraining
from apps.retraining.queries import audiences, oversight, watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from django.db.models import Model, QuerySet

    from apps.accounts.models import User
    from apps.catalog.models import Decision, RingMove, ToolRequest
    from apps.registry.models import Rollback, Wave
    from apps.registry.queries import Outline
    from apps.retraining.models import Firing, Incident, RetrainingRequest
    from apps.retraining.queries.oversight import RecentFailure

Row = TypeVar("Row", bound="Model")

RECENT = timedelta(days=7)
"""How long a failure of one's own request stays on the home page; retrying it takes it away at once."""
SHOWN = 10  # of each kind


@dataclass(frozen=True)
class Task:
    """Something that waits for the reader: a decision, or a failure of their own.

    `decides` is a promotion that can be decided where it is listed.
    """

    icon: str
    title: str
    detail: str
    url: str
    verb: str
    since: datetime | None = None
    decides: Outline | None = None


def waiting(actor: User) -> list[Task]:
    """What needs a word of this person, their own half-way promotions and failures too; by kind, the urgent first."""
    asked = list(approvals.waiting_for(actor).values_list("pk", flat=True))
    return [task_of(row) for read, task_of in KINDS for row in read(actor, asked)]


def _if_any(rows: QuerySet[Row]) -> Iterable[Row]:
    """The first of them, of a kind that is empty most of the time: to learn that takes none of what its rows join."""
    return rows[:SHOWN] if rows.exists() else ()


def _promotion(outline: Outline) -> Task:
    wave = outline.wave
    return Task(
        icon="crown",
        title=f"{wave.family}: promote {_count(wave.segments, 'segment')} to {wave.alias}",
        detail=f"{wave.proposer}: {wave.reason}",
        url=reverse("registry:wave", args=[wave.pk]),
        verb="Look closer",
        since=wave.created_at,
        decides=outline,
    )


def _stage(wave: Wave) -> Task:
    return Task(
        icon="crown",
        title=f"{wave.family}: stage {wave.stage} of {wave.last_stage} has moved",
        detail=f"Your promotion #{wave.pk}: {wave.reason}",
        url=reverse("registry:wave", args=[wave.pk]),
        verb="Move on",
        since=wave.stage_at,
    )


def _retraining(request: RetrainingRequest) -> Task:
    return Task(
        icon="refresh-cw",
        title=f"{request.family}: retrain {_count(request.segments_total, 'segment')} with {request.pipeline}?",
        detail=f"{request.requester}: {request.reason}" if request.reason else f"{request.requester} asks for it",
        url=reverse("retraining:request", args=[request.pk]),
        verb="Review",
        since=request.created_at,
    )


def _rollback(found: Rollback) -> Task:
    were = "was" if found.segments == 1 else "were"
    return Task(
        icon="undo-2",
        title=f"{found.family}: {_count(found.segments, 'segment')} {were} rolled back",
        detail=f"{found.by}: {found.reason}",
        url=reverse("registry:rollback", args=[found.pk]),
        verb="Review",
        since=found.at,
    )


def _incident(incident: Incident) -> Task:
    return Task(
        icon="cloud-lightning",
        title=f"{incident.family}: many segments report {incident.kind} at once",
        detail="Look upstream; nothing is retrained because of it.",
        url=f"{reverse('retraining:signals')}?incident={incident.pk}",
        verb="Look",
        since=incident.opened_at,
    )


def _suggestion(firing: Firing) -> Task:
    return Task(
        icon="lightbulb",
        title=f"{firing.policy.family}: retrain {_count(len(firing.segments), 'segment')}?",
        detail=f"{firing.policy.name}: {firing.reason}",
        url=reverse("retraining:policies"),
        verb="Decide",
        since=firing.at,
    )


def _decision(decision: Decision) -> Task:
    return Task(
        icon="scale",
        title=f"{decision.label}: {decision.title}",
        detail=f"{decision.capability}, proposed by {decision.proposer}",
        url=reverse("catalog:decision", args=[decision.label]),
        verb="Review",
    )


def _ring_move(move: RingMove) -> Task:
    return Task(
        icon="move",
        title=f"Move {move.tool} to {move.to_ring}",
        detail=f"{move.proposer}: {move.reason}",
        url=reverse("catalog:move", args=[move.pk]),
        verb="Review",
    )


def _due(decision: Decision) -> Task:
    return Task(
        icon="clock-alert",
        title=f"{decision.label}: {decision.title}",
        detail=decision.due_because,
        url=reverse("catalog:decision", args=[decision.label]),
        verb="Look again",
    )


def _wish(wish: ToolRequest) -> Task:
    return Task(
        icon="library",
        title=f"{wish.requester} asks for {wish.name}",
        detail=f"{wish.capability}, for {wish.team}",
        url=reverse("catalog:request", args=[wish.pk]),
        verb="Answer",
    )


def _own_failures(actor: User) -> list[tuple[RetrainingRequest, retraining.Progress]]:
    ended = retraining.requests(actor).filter(requester=actor, finished_at__gt=Now() - RECENT)
    failed = ended.filter(status__in=("finished_with_failures", "failed"))
    found = list(failed.select_related(None).select_related("pipeline", "family")[:SHOWN])
    progress = retraining.progress_of([request.pk for request in found])
    return [(request, progress[request.pk]) for request in found]


def _own_failure(ended: tuple[RetrainingRequest, retraining.Progress]) -> Task:
    request, progress = ended
    return Task(
        icon="circle-x",
        title=f"{progress.failed} of {_count(progress.total, 'segment run')} failed",
        detail=f"Your request #{request.pk}, {request.pipeline} for {request.family}",
        url=f"{reverse('retraining:request', args=[request.pk])}?status=failed",
        verb="See why",
        since=request.finished_at,
    )


def _failures_of_all(actor: User) -> list[RecentFailure]:
    """What failed in the last day, for those who operate the platform."""
    return oversight.recent_failures(actor)[:SHOWN] if is_operator(actor) else []


def _failure_of_all(failure: RecentFailure) -> Task:
    return Task(
        icon="triangle-alert",
        title=f"{_count(failure.count, 'segment run')} of {', '.join(failure.pipelines)} failed",
        detail=failure.reason,
        url=reverse("operations"),
        verb="Operate",
        since=failure.newest_at,
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


KINDS: Sequence[tuple[Callable[[User, Sequence[int]], Iterable[Any]], Callable[[Any], Task]]] = (
    (lambda actor, asked: registry.outlines(registry.waiting_for(actor, asked)[:SHOWN]), _promotion),
    (lambda actor, _: _if_any(registry.waiting_for_a_stage(actor)), _stage),
    (lambda actor, asked: audiences.waiting_for(actor, asked)[:SHOWN], _retraining),
    (lambda actor, _: _if_any(registry.rollbacks_to_review(actor)), _rollback),
    (lambda actor, _: _if_any(watching.open_incidents_for(actor)), _incident),
    (lambda actor, _: watching.suggestions_for(actor)[:SHOWN], _suggestion),
    (lambda actor, asked: catalog.waiting_for(actor, asked).reverse()[:SHOWN], _decision),
    (lambda actor, asked: catalog.moves_waiting_for(actor, asked)[:SHOWN], _ring_move),
    (lambda actor, _: catalog.due_for(actor)[:SHOWN], _due),
    (lambda actor, _: catalog.requests_waiting_for(actor)[:SHOWN], _wish),
    (lambda actor, _: _own_failures(actor), _own_failure),
    (lambda actor, _: _failures_of_all(actor), _failure_of_all),
)
"""Whatever can wait for somebody, in the order in which home lists it: what to read (of the reader, and of the open
questions to them), and the task of each row."""
