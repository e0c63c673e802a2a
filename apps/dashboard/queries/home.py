"""What the home page shows, gathered from the parts of the portal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from apps.accounts.queries import team_ids_of
from apps.accounts.rules import is_operator
from apps.catalog import queries as catalog
from apps.dashboard.queries.overview import FamilyLine, family_lines
from apps.registry import queries as registry
from apps.retraining import audiences, oversight, watching
from apps.retraining import queries as retraining

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User
    from apps.catalog.models import Decision, RingMove, ToolRequest
    from apps.registry.models import Freeze, Rollback, Wave
    from apps.registry.queries import Outline
    from apps.retraining.models import Firing, Incident, RequestQuerySet, RetrainingRequest
    from apps.retraining.oversight import RecentFailure
    from apps.retraining.queries import Progress

RECENT = timedelta(days=7)
"""How long a failure of one's own request stays on the home page; retrying it takes it away at once."""
SHOWN = 10  # of each kind
SEVERITY = ("bad", "warn", "idle", "ok")


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


@dataclass(frozen=True)
class Running:
    """A request of the reader's that works now; `done` of `whole` segment runs have ended."""

    title: str
    detail: str
    url: str
    done: int
    whole: int


@dataclass(frozen=True)
class Health:
    """A model family of the reader's teams; `tone` ok, warn, bad or idle says how it does, `verdict` in words."""

    name: str
    detail: str
    url: str
    tone: str
    verdict: str


@dataclass(frozen=True)
class MyWork:
    """The home page's sections, each worst or oldest first."""

    waiting: Sequence[Task] = ()
    running: Sequence[Running] = ()
    families: Sequence[Health] = ()
    freezes: Sequence[Freeze] = ()
    operates: bool = False  # the platform, that is everybody's requests

    @property
    def is_empty(self) -> bool:
        return not (self.waiting or self.running or self.families)


def my_work(*, actor: User) -> MyWork:
    """Everything on the actor's home page."""
    mine, operates = retraining.requests(actor).filter(requester=actor), is_operator(actor)
    return MyWork(
        waiting=_waiting(actor, mine, operates=operates),
        running=_running(mine),
        families=_health(actor),
        freezes=_freezes(actor),
        operates=operates,
    )


def waiting_count(*, actor: User) -> int:
    """How many things the home page says wait for this person, for the rail."""
    mine = retraining.requests(actor).filter(requester=actor)
    return len(_waiting(actor, mine, operates=is_operator(actor)))


def _waiting(actor: User, mine: RequestQuerySet, *, operates: bool) -> list[Task]:
    return [
        *_promotions(actor),
        *_stages(actor),
        *_retrainings(actor),
        *_rollbacks(actor),
        *_incidents(actor),
        *_suggestions(actor),
        *_decisions(actor),
        *_tools(actor),
        *_own_failures(mine),
        *(_failures_of_all(actor) if operates else ()),
    ]


def _promotions(actor: User) -> list[Task]:
    """Promotions that this person may decide, the most urgent first."""
    return [_promotion(outline) for outline in registry.outlines(registry.waiting_for(actor)[:SHOWN])]


def _promotion(outline: Outline) -> Task:
    wave = outline.wave
    cities = "1 segment" if wave.segments == 1 else f"{wave.segments} segments"
    return Task(
        icon="crown",
        title=f"{wave.family}: promote {cities} to {wave.alias}",
        detail=f"{wave.proposer}: {wave.reason}",
        url=reverse("registry:wave", args=[wave.pk]),
        verb="Look closer",
        since=wave.created_at,
        decides=outline,
    )


def _stages(actor: User) -> list[Task]:
    """The actor's own promotions that are half way."""
    return [_stage(wave) for wave in registry.waiting_for_a_stage(actor)[:SHOWN]]


def _stage(wave: Wave) -> Task:
    return Task(
        icon="crown",
        title=f"{wave.family}: stage {wave.stage} of {wave.last_stage} has moved",
        detail=f"Your promotion #{wave.pk}: {wave.reason}",
        url=reverse("registry:wave", args=[wave.pk]),
        verb="Move on",
        since=wave.stage_at,
    )


def _retrainings(actor: User) -> list[Task]:
    """Requests that this person may approve, the most urgent first."""
    return [_retraining(request) for request in audiences.waiting_for(actor)[:SHOWN]]


def _retraining(request: RetrainingRequest) -> Task:
    segments = "1 segment" if request.segments_total == 1 else f"{request.segments_total} segments"
    return Task(
        icon="refresh-cw",
        title=f"{request.family}: retrain {segments} with {request.pipeline}?",
        detail=f"{request.requester}: {request.reason}" if request.reason else f"{request.requester} asks for it",
        url=reverse("retraining:request", args=[request.pk]),
        verb="Review",
        since=request.created_at,
    )


def _incidents(actor: User) -> list[Task]:
    """Storms of signals about the actor's teams' families, each one thing to look at."""
    return [_incident(incident) for incident in watching.open_incidents_for(actor)[:SHOWN]]


def _incident(incident: Incident) -> Task:
    return Task(
        icon="cloud-lightning",
        title=f"{incident.family}: many segments report {incident.kind} at once",
        detail="Look upstream; nothing is retrained because of it.",
        url=f"{reverse('retraining:signals')}?incident={incident.pk}",
        verb="Look",
        since=incident.opened_at,
    )


def _suggestions(actor: User) -> list[Task]:
    """What policies suggest for families of the actor's teams."""
    return [_suggestion(firing) for firing in watching.suggestions_for(actor)[:SHOWN]]


def _suggestion(firing: Firing) -> Task:
    segments = "1 segment" if len(firing.segments) == 1 else f"{len(firing.segments)} segments"
    return Task(
        icon="lightbulb",
        title=f"{firing.policy.family}: retrain {segments}?",
        detail=f"{firing.policy.name}: {firing.reason}",
        url=reverse("retraining:policies"),
        verb="Decide",
        since=firing.at,
    )


def _rollbacks(actor: User) -> list[Task]:
    """What somebody else took back in this person's families, the oldest first."""
    return [_rollback(found) for found in registry.rollbacks_to_review(actor)[:SHOWN]]


def _rollback(found: Rollback) -> Task:
    cities = "1 segment was" if found.segments == 1 else f"{found.segments} segments were"
    return Task(
        icon="undo-2",
        title=f"{found.family}: {cities} rolled back",
        detail=f"{found.by}: {found.reason}",
        url=reverse("registry:rollback", args=[found.pk]),
        verb="Review",
        since=found.at,
    )


def _decisions(actor: User) -> list[Task]:
    """Proposals of the catalog that this person may accept, the oldest first."""
    return [_decision(decision) for decision in catalog.waiting_for(actor).reverse()[:SHOWN]]


def _decision(decision: Decision) -> Task:
    return Task(
        icon="scale",
        title=f"{decision.label}: {decision.title}",
        detail=f"{decision.capability}, proposed by {decision.proposer}",
        url=reverse("catalog:decision", args=[decision.label]),
        verb="Review",
    )


def _tools(actor: User) -> list[Task]:
    """Rings to decide about, requests for tools to answer, and decisions whose day or trigger has come."""
    return [
        *[_ring_move(move) for move in catalog.moves_waiting_for(actor)[:SHOWN]],
        *[_due(decision) for decision in catalog.due_for(actor)[:SHOWN]],
        *[_wish(wish) for wish in catalog.requests_waiting_for(actor)[:SHOWN]],
    ]


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


def _own_failures(mine: RequestQuerySet) -> list[Task]:
    ended = mine.filter(status__in=("finished_with_failures", "failed"), finished_at__gt=Now() - RECENT)
    found = list(ended[:SHOWN])
    progress = retraining.progress_of([request.pk for request in found])
    return [_own_failure(request, progress[request.pk]) for request in found]


def _own_failure(request: RetrainingRequest, progress: Progress) -> Task:
    return Task(
        icon="circle-x",
        title=f"{progress.failed} of {progress.total} segment runs failed",
        detail=f"Your request #{request.pk}, {request.pipeline} for {request.family}",
        url=f"{reverse('retraining:request', args=[request.pk])}?status=failed",
        verb="See why",
        since=request.finished_at,
    )


def _failures_of_all(actor: User) -> list[Task]:
    """What failed in the last day, for those who operate the platform."""
    return [_failure_of_all(failure) for failure in oversight.recent_failures(actor)[:SHOWN]]


def _failure_of_all(failure: RecentFailure) -> Task:
    runs = "1 segment run" if failure.count == 1 else f"{failure.count} segment runs"
    return Task(
        icon="triangle-alert",
        title=f"{runs} of {', '.join(failure.pipelines)} failed",
        detail=failure.reason,
        url=reverse("operations"),
        verb="Operate",
        since=failure.newest_at,
    )


def _running(mine: RequestQuerySet) -> list[Running]:
    found = list(mine.filter(status__in=("submitted", "running"))[:SHOWN])
    progress = retraining.progress_of([request.pk for request in found])
    return [
        Running(
            title=f"{request.pipeline} for {request.family}",
            detail=f"Request #{request.pk}" + (f": {request.reason}" if request.reason else ""),
            url=reverse("retraining:request", args=[request.pk]),
            done=progress[request.pk].done,
            whole=progress[request.pk].total,
        )
        for request in found
    ]


def _freezes(actor: User) -> list[Freeze]:
    """What blocks promotions of everybody's or of the actor's teams' families."""
    felt = Q(family=None) | Q(family__team__in=team_ids_of(actor))
    return list(registry.freezes(actor).active().filter(felt)[:SHOWN])


def _health(actor: User) -> list[Health]:
    """Families of the actor's teams, the worst first."""
    teams = team_ids_of(actor)
    lines = [line for line in family_lines(actor) if line.family.team_id in teams]
    lines.sort(key=lambda line: SEVERITY.index(line.tone))
    return [_health_of(line) for line in lines]


def _health_of(line: FamilyLine) -> Health:
    family = line.family
    details = [f"{line.champions} of {line.segments} segments have a champion"]
    if line.age is not None:
        details.append(f"typically {line.age} days old")
    return Health(
        name=family.name,
        detail=", ".join(details),
        url=reverse("dashboard:family", args=[family.slug]),
        tone=line.tone,
        verdict=_verdict(line),
    )


def _verdict(line: FamilyLine) -> str:
    if not line.champions:
        return "No champion yet"
    if not line.measured:
        return "Not measured"
    if line.worse:
        return f"{line.worse} of {line.measured} worse than the baseline"
    return "Stale" if line.is_stale else "Better than the baseline"
