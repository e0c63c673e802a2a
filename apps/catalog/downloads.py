"""Every file that the catalog hands out, by its name; pages and API serve the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.utils import timezone

from apps.catalog import queries
from apps.catalog.exchange import writing
from apps.catalog.models import RingMove
from apps.catalog.queries import radar
from apps.core.errors import Missing

if TYPE_CHECKING:
    from apps.accounts.models import User

LATELY = timedelta(days=183)
"""What moved within this is marked in a radar that has no editions."""
NEWEST = 100


@dataclass(frozen=True)
class File:
    text: str
    kind: str


def file_of(name: str, *, actor: User, site: str) -> File:
    """`site` is the portal's own address. Raises Missing for a name that is none."""
    make = MAKERS.get(name)
    if make is None:
        raise Missing(f"There is no download {name[:40]!r}; there are {', '.join(MAKERS)}.")
    return make(actor, site)


def _placed(actor: User) -> Any:
    return queries.tools(actor=actor).filter(position__isnull=False)


def _moved() -> dict[str, str]:
    return radar.directions(since=timezone.localdate() - LATELY)


def _moves(actor: User) -> Any:
    applied = queries.moves(actor=actor).filter(status=RingMove.Status.APPLIED)
    return applied.order_by("-applied_on", "-id")


def _byor_csv(actor: User, site: str) -> File:
    return File(writing.byor_csv(_placed(actor), _moved()), "text/csv")


def _byor_json(actor: User, site: str) -> File:
    return File(writing.byor_json(_placed(actor), _moved()), "application/json")


def _tech_radar(actor: User, site: str) -> File:
    blips = radar.sorted_blips(radar.blips(queries.positions(actor=actor)))
    return File(writing.tech_radar(blips, _moves(actor), site), "application/json")


def _backstage(actor: User, site: str) -> File:
    return File(writing.backstage(_placed(actor), site), "application/yaml")


def _atom(actor: User, site: str) -> File:
    return File(writing.atom(list(_moves(actor)[:NEWEST]), site), "application/atom+xml")


def _calendar(actor: User, site: str) -> File:
    host = urlsplit(site).hostname or "portal"
    return File(writing.calendar(queries.decisions(actor=actor), site, host), "text/calendar")


def _table(rows: Callable[[User], Any], columns: dict[str, str]) -> Callable[[User, str], File]:
    """A CSV of `columns` (heading → path)."""

    def make(actor: User, site: str) -> File:
        found = rows(actor).order_by("pk").values_list(*columns.values())
        return File(writing.table([*columns], [dict(zip(columns, row, strict=True)) for row in found]), "text/csv")

    return make


def _same(*names: str, **others: str) -> dict[str, str]:
    return {name: name for name in names} | others


TOOLS = _same(
    *("slug", "name", "summary", "sourcing", "ecosystem", "vendor", "homepage", "repo", "licence", "foundation"),
    *("foundation_stage", "pypi_name", "latest_version", "released_on", "learning_days_low", "learning_days_high"),
    *("unverified", "source"),
    capability="capability__slug",
    ring="position__ring",
    since="position__since",
    owner="position__owner__username",
    next_review="position__next_review",
)
DECISIONS = _same(
    *("number", "kind", "title", "status", "sourcing", "decided_on", "revisit_on", "trigger", "trigger_met_on"),
    *("weeks_saved", "expires_on", "move_by", "verdict", "closed_because", "context", "outcome"),
    capability="capability__slug",
    owner="owner__username",
    author="author__username",
)
MAKERS: dict[str, Callable[[User, str], File]] = {
    "radar.csv": _byor_csv,
    "radar.json": _byor_json,
    "tech-radar.json": _tech_radar,
    "catalog-info.yaml": _backstage,
    "ring-moves.atom": _atom,
    "catalog.ics": _calendar,
    "tools.csv": _table(lambda actor: queries.tools(actor=actor), TOOLS),
    "decisions.csv": _table(lambda actor: queries.decisions(actor=actor), DECISIONS),
    "capabilities.csv": _table(lambda actor: queries.capabilities(actor=actor), _same("slug", "name", "stage", "need")),
    "moves.csv": _table(
        lambda actor: queries.moves(actor=actor),
        _same("from_ring", "to_ring", "reason", "status", "proposed_on", "applied_on", "note", tool="tool__slug"),
    ),
    "gaps.csv": _table(
        lambda actor: queries.gaps(actor=actor),
        _same("title", "pain", "workaround", "upstream", "upstream_url", "opened_on", "closed_on", tool="tool__slug"),
    ),
    "requests.csv": _table(
        lambda actor: queries.requests(actor=actor),
        _same("name", "need", "why_not_existing", "people", "status", "outcome", "asked_on", team="team__slug"),
    ),
    "usage.csv": _table(
        lambda actor: queries.usages(actor=actor),
        _same("kind", "name", "how", "version", "evidence", "since", "last_seen", tool="tool__slug", team="team__slug"),
    ),
}
NAMES = {
    "radar.csv": "Radar for Build Your Own Radar (CSV)",
    "radar.json": "Radar for Build Your Own Radar (JSON)",
    "tech-radar.json": "Radar for Backstage's tech-radar",
    "catalog-info.yaml": "Tools for Backstage's catalog",
    "ring-moves.atom": "Ring moves (Atom)",
    "catalog.ics": "Days to look again and to end (iCal)",
} | {
    name: f"Table of {name.removesuffix('.csv')} (CSV)"
    for name in MAKERS
    if name.endswith("s.csv") or name == "usage.csv"
}
