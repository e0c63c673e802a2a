"""What the page shows that asks whether a model of its own is worth it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.dashboard.worth import Row, Wanted, chips, chosen, parts, rows, sentence
from apps.registry import queries as registry

if TYPE_CHECKING:
    from apps.core.charts import Part
    from apps.dashboard.fleet import Chip
    from apps.registry.models import ModelFamily
    from apps.registry.queries import Worth


@dataclass(frozen=True)
class WorthPage:
    """`rows` are those asked for; `chips` and `parts` count all of the month."""

    worth: Worth
    sentence: str
    rows: Sequence[Row]
    chips: Sequence[Chip]
    parts: Sequence[Part]


def worth_page(*, family: ModelFamily, wish: Wanted) -> WorthPage:
    """Raises Invalid for a month that nothing was compared on."""
    found = registry.worth(family, wish.month)
    return WorthPage(
        worth=found,
        sentence=sentence(found),
        rows=rows(chosen(found.rows, wish), family.direction),
        chips=chips(found.rows, wish),
        parts=parts(found.month.tally) if found.month else [],
    )
