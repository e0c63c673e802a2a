"""Whether a model of its own is worth it, as its page shows it: pure, from comparisons to rows, chips and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.core import charts, figures
from apps.core.charts import Part, Whisker
from apps.core.errors import Invalid
from apps.core.figures import Delta
from apps.dashboard.fleet import LONGEST_SEARCH, WHISKER_WIDTH, Badge, Chip

if TYPE_CHECKING:
    from apps.registry.queries import Worth
    from apps.registry.worth import Comparison, Rival, Tally

SURE = Badge("ok", "circle-check", "Its own")
BADGES = {
    "own": Badge("info", "circle-dashed", "Its own, perhaps"),
    "shared": Badge("warn", "share-2", "One shared"),
    "baseline": Badge("warn", "ruler", "The baseline"),
}


@dataclass(frozen=True)
class Row:
    """One segment. The intervals of a column have one scale."""

    found: Comparison
    better: str
    shared_whisker: Whisker | None
    baseline_whisker: Whisker | None

    @property
    def badge(self) -> Badge:
        return SURE if self.found.winner == "own" and self.found.is_sure else BADGES[self.found.winner]

    @property
    def against_shared(self) -> Delta | None:
        return self._delta(self.found.shared)

    @property
    def against_baseline(self) -> Delta | None:
        return self._delta(self.found.baseline)

    def _delta(self, rival: Rival | None) -> Delta | None:
        if rival is None:
            return None
        return figures.delta(-rival.difference if self.better == "lower" else rival.difference, self.better)


FILTERS: dict[str, tuple[str, Callable[[Comparison], bool]]] = {
    "own": ("A model of its own wins", lambda one: one.winner == "own"),
    "surely": ("Surely its own", lambda one: one.winner == "own" and one.is_sure),
    "shared": ("One shared model would do", lambda one: one.winner == "shared"),
    "baseline": ("The plain baseline would do", lambda one: one.winner == "baseline"),
    "unfair": ("Trained on other days", lambda one: not one.is_fair),
}
SORTS: dict[str, Callable[[Comparison], float | str | None]] = {
    "segment": lambda one: one.name.lower(),
    "own": lambda one: one.own,
    "shared": lambda one: one.shared.difference,
    "baseline": lambda one: one.baseline.difference if one.baseline else None,
}
MOST_WORTH_FIRST = "-shared"


@dataclass(frozen=True)
class Wanted:
    """What the reader asked the page for; all of it stands in the address."""

    month: str = ""
    winner: str = ""
    text: str = ""
    sort: str = MOST_WORTH_FIRST

    @property
    def is_narrowed(self) -> bool:
        return bool(self.winner or self.text)


def wanted(query: Mapping[str, str]) -> Wanted:
    """Raises Invalid for a filter or an order that does not exist."""
    found = Wanted(
        month=query.get("month", ""),
        winner=query.get("winner", ""),
        text=query.get("q", "").strip()[:LONGEST_SEARCH],
        sort=query.get("sort", "") or MOST_WORTH_FIRST,
    )
    if found.winner and found.winner not in FILTERS:
        raise Invalid(f"There is no filter {found.winner[:40]!r}; choose from {', '.join(FILTERS)}.", field="winner")
    if found.sort.removeprefix("-") not in SORTS:
        raise Invalid(f"There is no order {found.sort[:40]!r}; choose from {', '.join(SORTS)}.", field="sort")
    return found


def chosen(found: Sequence[Comparison], wish: Wanted) -> list[Comparison]:
    """Those that were asked for, in the order asked for; what has no value stands last."""
    key = SORTS[wish.sort.removeprefix("-")]
    kept = [one for one in found if _matches(one, wish)]
    known = [one for one in kept if key(one) is not None]
    known.sort(key=key, reverse=wish.sort.startswith("-"))  # type: ignore[arg-type]
    return known + [one for one in kept if key(one) is None]


def _matches(one: Comparison, wish: Wanted) -> bool:
    if wish.winner and not FILTERS[wish.winner][1](one):
        return False
    said = f"{one.name} {one.segment} {one.region}".lower()
    return all(word in said for word in wish.text.lower().split())


def rows(found: Sequence[Comparison], better: str) -> list[Row]:
    shared, baseline = ([rival for rival in of if rival] for of in _rivals(found))
    reaches = [charts.common_reach((one.lower, one.difference, one.upper) for one in of) for of in (shared, baseline)]
    return [Row(one, better, _whisker(one.shared, reaches[0]), _whisker(one.baseline, reaches[1])) for one in found]


def _rivals(found: Sequence[Comparison]) -> tuple[list[Rival | None], list[Rival | None]]:
    return [one.shared for one in found], [one.baseline for one in found]


def _whisker(rival: Rival | None, reach: float) -> Whisker | None:
    if rival is None or rival.lower is None or rival.upper is None:
        return None
    return charts.whisker(rival.lower, rival.upper, rival.difference, reach=reach, width=WHISKER_WIDTH, height=14)


def chips(found: Sequence[Comparison], wish: Wanted) -> list[Chip]:
    """All, then every filter that leaves some, or that is chosen."""
    counted = [Chip(value, word, sum(map(keeps, found))) for value, (word, keeps) in FILTERS.items()]
    return [Chip("", "All", len(found)), *(chip for chip in counted if chip.count or chip.value == wish.winner)]


def parts(found: Tally) -> list[Part]:
    """Who wins, the most work first."""
    drawn = [
        Part("surely its own model", found.surely_own, "ok"),
        Part("its own, perhaps by chance", found.own - found.surely_own, "info"),
        Part("one shared model", found.shared, "warn"),
        Part("the plain baseline", found.baseline, "bad"),
    ]
    return [part for part in drawn if part.count]


def sentence(worth: Worth) -> str:
    """The newest answer, or that of the month asked for, for somebody who has a minute."""
    if worth.month is None:
        return ""
    found, when = worth.month.tally, f"{worth.month.last:%B %Y}"
    own = f"a model of its own is worth it in {found.own} of {found.total} {_segments(found.total)}"
    surely = f", surely in {found.surely_own}" if found.own else ""
    others = [f"in {found.baseline} the plain baseline would do"] if found.baseline else []
    others += [f"in {found.shared} one shared model would do"] if found.shared else []
    return f"In {when} {own}{surely}{'; ' if others else ''}{', '.join(others)}."


def _segments(count: int) -> str:
    return "segment" if count == 1 else "segments"
