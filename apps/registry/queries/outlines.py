"""Waves at one glance, for lists: what each would change, in one query for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Min, Q

from apps.core.figures import number
from apps.registry.models import Promotion, Wave

STANDING = ~Q(status=Promotion.Status.REFUSED)


@dataclass(frozen=True)
class Outline:
    """A wave with its plain means over the cities that have a champion, and how much its worst city gains.

    In the family's unit; a positive gain is better. None where no city has a champion yet.
    """

    wave: Wave
    refused: int
    before: float | None
    after: float | None
    worst: float | None

    @property
    def sentence(self) -> str:
        """`Mean MAE 14.21 → 6.15 min; the smallest gain is 0.58; 3 more kept their champion.`"""
        said = [self._change, f"{self.refused} more kept their champion" if self.refused else ""]
        return "; ".join(filter(None, said)) + "."

    @property
    def _change(self) -> str:
        if self.before is None:
            return "First champions: nothing served before"
        family = self.wave.family
        change = f"Mean {family.metric.upper()} {number(self.before)} → {number(self.after)} {family.unit}".strip()
        return f"{change}; the smallest gain is {number(self.worst)}"


def outlines(waves: Iterable[Wave]) -> list[Outline]:
    """In the order of the waves."""
    waves = list(waves)
    found = _figures(waves)
    return [Outline(wave, *found[wave.pk]) for wave in waves]


def _figures(waves: Sequence[Wave]) -> dict[int, tuple[Any, ...]]:
    """By wave, its other fields in their order; each wave has at least one city."""
    compared = STANDING & Q(evaluation__champion_metric__isnull=False)
    rows = Promotion.objects.filter(wave__in=waves).order_by().values("wave")
    counted = rows.annotate(
        refused=Count("pk", filter=~STANDING),
        before=Avg("evaluation__champion_metric", filter=compared),
        after=Avg("evaluation__candidate_metric", filter=compared),
        worst=Min("evaluation__difference", filter=compared),
    )
    return {row[0]: row[1:] for row in counted.values_list("wave", "refused", "before", "after", "worst")}
