"""What the home page shows, gathered from the parts of the portal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse

from apps.accounts.queries import team_ids_of
from apps.accounts.rules import is_operator
from apps.dashboard.queries import inbox
from apps.dashboard.queries.overview import FamilyLine, lines_of_teams
from apps.registry import queries as registry
from apps.retraining import queries as retraining

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import Freeze

SHOWN = 10
SEVERITY = ("bad", "warn", "idle", "ok")


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

    waiting: Sequence[inbox.Task] = ()
    running: Sequence[Running] = ()
    families: Sequence[Health] = ()
    freezes: Sequence[Freeze] = ()
    operates: bool = False  # the platform, that is everybody's requests

    @property
    def is_empty(self) -> bool:
        return not (self.waiting or self.running or self.families)


def my_work(*, actor: User) -> MyWork:
    """Everything on the actor's home page."""
    return MyWork(
        waiting=inbox.waiting(actor),
        running=_running(actor),
        families=_health(actor),
        freezes=_freezes(actor),
        operates=is_operator(actor),
    )


def waiting_count(*, actor: User) -> int:
    """How many things the home page says wait for this person, for the rail."""
    return len(inbox.waiting(actor))


def _running(actor: User) -> list[Running]:
    mine = retraining.requests(actor).filter(requester=actor, status__in=("submitted", "running"))
    found = list(mine.select_related(None).select_related("pipeline", "family")[:SHOWN])
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
    lines = sorted(lines_of_teams(actor), key=lambda line: SEVERITY.index(line.tone))
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
