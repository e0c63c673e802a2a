"""What is on the radar: now, on an earlier day, in an edition that was published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.catalog.models import Decision, Position, RadarEdition, Ring, RingMove
from apps.catalog.radar import MOST_DRAWN, MOST_IN_A_CELL, Blip
from apps.core.errors import Missing

if TYPE_CHECKING:
    from apps.accounts.models import Team, User

COLUMNS: dict[str, Any] = {
    "slug": F("tool__slug"),
    "name": F("tool__name"),
    "capability": F("tool__capability__slug"),
    "stage": F("tool__capability__stage"),
}


def positions(*, actor: User) -> QuerySet[Position]:
    """Every position, adopt first, then by name."""
    found = Position.objects.filter(tool__in=visible_tools(actor))
    return found.select_related("tool__capability", "owner", "team")


def visible_tools(actor: User) -> QuerySet[Any]:
    from apps.catalog.models import Tool

    return Tool.objects.visible_to(actor).values("pk")


def for_team(found: QuerySet[Position], team: Team, *, actor: User) -> QuerySet[Position]:
    """What a team uses, supports, or may use by an exception."""
    held = Decision.objects.visible_to(actor).exceptions().filter(status=Decision.Status.ACCEPTED, team=team)
    uses = Q(tool__usages__team=team, tool__usages__until=None)
    mine = found.filter(Q(team=team) | uses | Q(tool__in=held.values("tool"))).values("pk")
    return found.filter(pk__in=mine)


def blips(found: QuerySet[Position], *, moves_after: date | None = None) -> list[Blip]:
    """Those of the radar's four rings; of a crowded part only as many as can be drawn.

    Moves on or after `moves_after` are marked.
    """
    place = Window(RowNumber(), partition_by=[F("tool__capability__stage"), F("ring")], order_by=F("tool__name").asc())
    near = found.exclude(ring=Ring.RETIRED).annotate(place=place).filter(place__lte=MOST_IN_A_CELL)
    first = near.order_by("place", "tool__name")[:MOST_DRAWN]
    rows: list[dict[str, Any]] = list(first.values("ring", "since", **COLUMNS))  # type: ignore[arg-type]
    moved = directions(since=moves_after, slugs=[row["slug"] for row in rows]) if moves_after else {}
    return sorted_blips(Blip(**row, moved=moved.get(row["slug"], "")) for row in rows)


def blips_now(*, on: date | None = None) -> list[Blip]:
    """All that has a ring (retired too), as it is or as it was on a day."""
    if on is None:
        return sorted_blips(_made(Position.objects.values("ring", "since", **COLUMNS)))
    last = RingMove.objects.filter(status=RingMove.Status.APPLIED, applied_on__lte=on)
    last = last.order_by("tool_id", "-applied_on", "-id").distinct("tool_id")
    return sorted_blips(_made(last.values(ring=F("to_ring"), since=F("applied_on"), **COLUMNS)))


def _made(rows: Iterable[Any]) -> list[Blip]:
    return [Blip(**row) for row in rows]


def directions(*, since: date, slugs: Iterable[str] | None = None) -> dict[str, str]:
    """How each tool has moved since that day, its first ring then against its ring now: new, in or out."""
    moves = RingMove.objects.filter(status=RingMove.Status.APPLIED, applied_on__gte=since)
    moves = moves.filter(tool__slug__in=list(slugs)) if slugs is not None else moves
    rings: dict[str, tuple[str, str]] = {}
    for slug, before, after in moves.order_by("applied_on", "id").values_list("tool__slug", "from_ring", "to_ring"):
        rings[slug] = (rings[slug][0] if slug in rings else before, after)
    return {slug: direction(before, after) for slug, (before, after) in rings.items() if before != after}


def direction(before: str, after: str) -> str:
    if not before:
        return "new"
    return "in" if Ring.values.index(after) < Ring.values.index(before) else "out"


def editions(*, actor: User) -> QuerySet[RadarEdition]:
    """The newest first, without their blips."""
    return RadarEdition.objects.visible_to(actor).select_related("publisher").order_by("-published_on", "-id")


def edition(*, actor: User, name: str) -> RadarEdition:
    """Raises Missing."""
    found = editions(actor=actor).filter(name=name).first()
    if found is None:
        raise Missing(f"There is no edition {name!r} of the radar.")
    return found


def blips_of(found: RadarEdition, before: RadarEdition | None = None) -> list[Blip]:
    """The edition's, marked with how they moved since the one before."""
    rings = {row["slug"]: row["ring"] for row in before.blips} if before else None
    made = []
    for row in found.blips:
        was = rings.get(row["slug"], "") if rings is not None else row["ring"]
        moved = direction(was, row["ring"]) if was != row["ring"] else ""
        made.append(Blip(**row | {"since": date.fromisoformat(row["since"]), "moved": moved}))
    return sorted_blips(made)


def previous(actor: User, found: RadarEdition) -> RadarEdition | None:
    """The edition that was published before this one."""
    older = editions(actor=actor).exclude(pk=found.pk)
    return older.filter(
        Q(published_on__lt=found.published_on) | Q(published_on=found.published_on, pk__lt=found.pk)
    ).first()


def sorted_blips(found: Iterable[Blip]) -> list[Blip]:
    return sorted(found, key=lambda blip: (blip.quadrant, Ring.values.index(blip.ring), blip.name.lower()))
