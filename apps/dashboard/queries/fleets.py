"""What the page of a family shows, gathered from the registry, retraining and the audit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING

from apps.audit.queries import events_of_family
from apps.dashboard.fleet import (
    Chip,
    Row,
    State,
    Summary,
    Wanted,
    chips,
    chosen,
    judged,
    made_by,
    summarised,
    ticked,
)
from apps.dashboard.queries.overview import CHAMPION, FamilyLine, line_of_rows
from apps.registry import queries as registry
from apps.retraining import queries as retraining

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.audit.models import AuditEvent
    from apps.registry.models import ModelFamily, Wave
    from apps.registry.queries import Resolved, Window
    from apps.retraining.models import RetrainingRequest

EVENTS_READ = 2_000
HAPPENINGS_SHOWN = 60


@dataclass(frozen=True)
class FleetPage:
    """`rows` are those asked for; `summary` and `chips` count all of the family, or of the request asked for; `line`
    is of the family whatever was asked for. `ticked` are the segments that come ticked.
    """

    family: ModelFamily
    line: FamilyLine
    window: Window | None
    rows: Sequence[Row]
    ticked: Collection[str]
    summary: Summary
    chips: Sequence[Chip]
    request: RetrainingRequest | None
    training: Sequence[RetrainingRequest]
    open_wave: Wave | None

    @property
    def is_live(self) -> bool:
        """Something about it is being made now."""
        return bool(self.training or self.summary.evaluating or self.summary.being_measured)


@dataclass(frozen=True)
class Happening:
    """One thing done by a person, to the target that the sentence names and to `more` others at once."""

    who: str
    sentence: str
    more: int
    at: datetime
    note: str


def fleet_page(*, actor: User, family: ModelFamily, wish: Wanted) -> FleetPage:
    """Raises Missing for a request that the actor may not see."""
    request = retraining.request(actor=actor, request_id=wish.request) if wish.request else None
    rows = whole = _rows(actor, family)
    if request:
        rows = made_by(whole, _versions_of(request))
    shown, line = chosen(rows, wish), line_of_rows(family, whole)
    return FleetPage(
        family=family,
        line=line,
        window=registry.newest_window(family),
        rows=shown,
        ticked=ticked(shown, wish),
        summary=summarised(rows),
        chips=chips(rows, wish),
        request=request,
        training=_training(actor, family),
        open_wave=registry.open_wave(family) if line.open_waves else None,
    )


def fleet_rows(*, actor: User, family: ModelFamily, segments: Collection[str] | None = None) -> list[Row]:
    """Every segment of the family, or those named by slug, by name."""
    return _rows(actor, family, segments)


def not_evaluated(*, actor: User, family: ModelFamily) -> list[int]:
    """Ids of the candidates and champions that nobody has evaluated on the newest month."""
    rows = fleet_rows(actor=actor, family=family)
    candidates = [row.cell.candidate for row in rows if row.state is State.NOT_EVALUATED]
    champions = [row.cell.champion for row in rows if row.newest is None]
    return [version.id for version in [*candidates, *champions] if version]


def happenings(family: ModelFamily) -> list[Happening]:
    """The newest first; what was done to many cities at once is one entry."""
    events = events_of_family(family.slug, app="registry")[:EVENTS_READ]
    return list(islice(_grouped(events), HAPPENINGS_SHOWN))


def _rows(actor: User, family: ModelFamily, segments: Collection[str] | None = None) -> list[Row]:
    cells = registry.fleet(family, segments=segments)
    return judged(
        cells,
        lower_is_better=family.direction == family.Direction.LOWER,
        runs=retraining.last_runs(actor=actor, family=family, segments=segments),
        alarms=retraining.alarms(family, segments=segments),
        retraining=retraining.being_retrained(family),
        stand_ins=_stand_ins(family, [cell.segment for cell in cells if not cell.champion]),
    )


def _training(actor: User, family: ModelFamily) -> list[RetrainingRequest]:
    """What is under way, as far as a line of the page says it."""
    asked = retraining.requests(actor).filter(family=family, status__in=("submitted", "running"))
    return list(asked.select_related(None).only("segments_total"))


def _stand_ins(family: ModelFamily, segments: Sequence[str]) -> dict[str, Resolved]:
    """What the fallback order leads to, by segment."""
    if not segments or not family.fallback_order:
        return {}
    found = registry.resolution(family=family, alias=CHAMPION, slugs=segments)
    return {one.segment: one for one in found.resolved}


def _grouped(events: Iterable[AuditEvent]) -> Iterator[Happening]:
    for _, alike in groupby(events, key=lambda event: (event.actor_id, event.action, event.note)):
        group = list(alike)
        newest = group[0]
        yield Happening(newest.actor_name, newest.sentence, len(group) - 1, newest.at, newest.note)


def _versions_of(request: RetrainingRequest) -> set[int]:
    made = retraining.runs_of(request).filter(version__isnull=False)
    return set(made.values_list("version_id", flat=True))
