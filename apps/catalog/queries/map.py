"""The map of needs: what each is served by."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q, Window
from django.db.models.functions import RowNumber

from apps.catalog.models import Capability, Decision, Ring, Tool
from apps.catalog.models.positions import rank_of_ring
from apps.catalog.queries.decisions import decisions

if TYPE_CHECKING:
    from apps.accounts.models import User

RECOMMENDED, LOOKED_AT = (Ring.ADOPT, Ring.TRIAL), (Ring.ASSESS, Ring.HOLD)
MOST_IN_A_CELL = 8


@dataclass(frozen=True)
class Cell:
    """A need on the map: the first of what is recommended for it, how much more there is, and whether we wait."""

    capability: Capability
    recommended: list[Tool]
    more: int  # recommended, too
    others: int  # looked at or on hold
    known: int  # without a position
    postponed: Decision | None


def capability_map(*, actor: User) -> list[tuple[str, list[Cell]]]:
    """The needs by stage, as the work flows."""
    best, counted = _recommended(actor), _counts(actor)
    waits = {one.capability_id: one for one in decisions(actor=actor) & Decision.objects.postponed() if one.is_open}
    cells: dict[str, list[Cell]] = defaultdict(list)
    for need in Capability.objects.visible_to(actor).in_order():
        shown, (recommended, others, known) = best[need.pk], counted.get(need.pk, (0, 0, 0))
        cell = Cell(need, shown, recommended - len(shown), others, known, waits.get(need.pk))
        cells[need.get_stage_display()].append(cell)
    return list(cells.items())


def _recommended(actor: User) -> dict[int, list[Tool]]:
    """The first of each need."""
    found: dict[int, list[Tool]] = defaultdict(list)
    place = Window(RowNumber(), partition_by="capability", order_by=[rank_of_ring("position__ring"), "name"])
    ours = Tool.objects.visible_to(actor).filter(position__ring__in=RECOMMENDED).annotate(place=place)
    for tool in ours.filter(place__lte=MOST_IN_A_CELL).select_related("position").order_by("place"):
        found[tool.capability_id].append(tool)
    return found


def _counts(actor: User) -> dict[int, tuple[int, int, int]]:
    """By need: recommended, in another ring, without a position."""
    ring = {"recommended": Q(position__ring__in=RECOMMENDED), "others": Q(position__ring__in=LOOKED_AT)}
    sums = {name: Count("pk", filter=which) for name, which in {**ring, "known": Q(position=None)}.items()}
    rows = Tool.objects.visible_to(actor).order_by().values_list("capability").annotate(**sums)
    return {need: tuple(counted) for need, *counted in rows}
