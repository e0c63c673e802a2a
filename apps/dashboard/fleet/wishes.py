"""What a reader asks of a fleet, all of it in the address: filters, order, colours, what comes ticked. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.core.errors import Invalid
from apps.dashboard.fleet.heat import MEASURES, Measure
from apps.dashboard.fleet.rows import Row, State

LONGEST_SEARCH = 100
MAP, TABLE = "map", "table"
PASSES = "passes"
MOST_TICKED = 100_000
RUN_SEVERITY = {"failed": 3, "no_data": 2, "running": 1, "sent": 1, "waiting": 1}

FILTERS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "passes": ("Passed", lambda row: row.state is State.PASSES),
    "proposed": ("In an open promotion", lambda row: row.state is State.PROPOSED),
    "inconclusive": ("Inconclusive", lambda row: row.state is State.INCONCLUSIVE),
    "fails": ("Not passed", lambda row: row.state is State.FAILS),
    "not-evaluated": ("Not evaluated", lambda row: row.state in (State.NOT_EVALUATED, State.EVALUATING)),
    "worse-than-baseline": ("Worse than the baseline", lambda row: row.is_worse),
    "much-worse": ("Over 10 % worse", lambda row: row.is_much_worse),
    "stale": ("Stale", lambda row: row.is_stale),
    "alarms": ("With alarms", lambda row: bool(row.alarms)),
    "run-failed": ("Last run failed", lambda row: row.has_failed),
    "retraining": ("Being retrained", lambda row: row.is_retraining),
    "empty": ("No champion", lambda row: row.cell.champion is None),
}
SORTS: dict[str, Callable[[Row], float | str | None]] = {
    "gap": lambda row: row.gap,
    "share": lambda row: row.worse_by,
    "segment": lambda row: row.cell.name.lower(),
    "age": lambda row: row.cell.age_days,
    "evaluated": lambda row: row.promoted_with,
    "newest": lambda row: row.newest,
    "worst": lambda row: row.newest if row.newest is None or row.lower_is_better else -row.newest,
    "candidate": lambda row: row.candidate_metric,
    "gain": lambda row: row.gain,
    "run": lambda row: RUN_SEVERITY.get(row.last_run.status, 0) if row.last_run else None,
    "alarms": lambda row: len(row.alarms) or None,
}


@dataclass(frozen=True)
class Wanted:
    """What the reader asked for. `over` is a share: champions worse than their baseline by more than that."""

    state: str = ""
    text: str = ""
    over: float | None = None
    measure: Measure = MEASURES["baseline"]
    order: str = ""  # as in the address; see `sort`
    by_region: bool = False
    view: str = MAP
    request: int | None = None
    tick: str = ""  # PASSES, or how many of the first rows come ticked

    @property
    def sort(self) -> str:
        """The worst of the chosen measure first, unless said otherwise; the map shows shares, the table differences."""
        if self.order:
            return self.order
        return "-share" if self.view == MAP and self.measure.key == "baseline" else self.measure.worst_first

    @property
    def is_narrowed(self) -> bool:
        return bool(self.state or self.text or self.request or self.over is not None)

    @property
    def percent(self) -> str:
        """`over` as it stands in the form."""
        return "" if self.over is None else f"{100 * self.over:g}"


def wanted(query: Mapping[str, str]) -> Wanted:
    """Raises Invalid for a filter, an order, a measure, a view or a number that does not exist."""
    return Wanted(
        state=_one_of(query, "state", FILTERS, "filter"),
        text=query.get("q", "").strip()[:LONGEST_SEARCH],
        over=_share(query.get("over", "").strip()),
        measure=MEASURES[_one_of(query, "show", MEASURES, "measure") or "baseline"],
        order=_order(query),
        by_region=query.get("group") == "region",
        view=_one_of(query, "view", (MAP, TABLE), "view") or MAP,
        request=_number(query.get("request", "")),
        tick=_tick(query.get("tick", "").strip()),
    )


def _one_of(query: Mapping[str, str], field: str, known: Collection[str], noun: str) -> str:
    asked = query.get(field, "")
    if asked and asked not in known:
        raise Invalid(f"There is no {noun} {asked[:40]!r}; choose from {', '.join(known)}.", field=field)
    return asked


def _order(query: Mapping[str, str]) -> str:
    asked = query.get("sort", "")
    if asked and asked.removeprefix("-") not in SORTS:
        raise Invalid(f"There is no order {asked[:40]!r}; choose from {', '.join(SORTS)}.", field="sort")
    return asked


def _share(text: str) -> float | None:
    if not text:
        return None
    try:
        percent = float(text)
    except ValueError:
        percent = math.nan
    if not -1_000_000 <= percent <= 1_000_000:
        raise Invalid("Say a number of percent, such as 10.", field="over")
    return percent / 100


def _number(text: str) -> int | None:
    if not text:
        return None
    if not _is_whole(text):
        raise Invalid("A request has a number, such as 12.", field="request")
    return int(text)


def _tick(text: str) -> str:
    if text and text != PASSES and not (_is_whole(text) and int(text) <= MOST_TICKED):
        raise Invalid("Say how many of the first come ticked, such as 17; or passes.", field="tick")
    return text


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


@dataclass(frozen=True)
class Chip:
    """A filter with how many rows it leaves."""

    value: str
    word: str
    count: int


def chips(rows: Sequence[Row], wish: Wanted) -> list[Chip]:
    """All rows, then every filter that leaves some, or that is chosen."""
    counted = [Chip(value, word, sum(map(keeps, rows))) for value, (word, keeps) in FILTERS.items()]
    return [Chip("", "All", len(rows)), *(chip for chip in counted if chip.count or chip.value == wish.state)]


def made_by(rows: Iterable[Row], versions: Collection[int]) -> list[Row]:
    """Only rows whose candidate is one of these versions."""
    return [row for row in rows if row.cell.candidate and row.cell.candidate.id in versions]


def chosen(rows: Iterable[Row], wish: Wanted) -> list[Row]:
    """The rows that were asked for, in the order asked for."""
    return _ordered([row for row in rows if _matches(row, wish)], wish)


def ticked(rows: Sequence[Row], wish: Wanted) -> frozenset[str]:
    """Segments of the shown rows that come ticked."""
    if wish.tick == PASSES:
        return frozenset(row.cell.segment for row in rows if row.state is State.PASSES)
    return frozenset(row.cell.segment for row in rows[: int(wish.tick or 0)])


def _matches(row: Row, wish: Wanted) -> bool:
    if wish.state and not FILTERS[wish.state][1](row):
        return False
    if wish.over is not None and not (row.worse_by is not None and row.worse_by > wish.over):
        return False
    said = f"{row.cell.name} {row.cell.segment} {row.cell.region}".lower()
    return all(word in said for word in wish.text.lower().split())


def _ordered(rows: list[Row], wish: Wanted) -> list[Row]:
    """Rows without the value come last, whichever way round; equals stand by name, as they came."""
    key = SORTS[wish.sort.removeprefix("-")]
    known = [row for row in rows if key(row) is not None]
    known.sort(key=key, reverse=wish.sort.startswith("-"))  # type: ignore[arg-type]
    ordered = known + [row for row in rows if key(row) is None]
    return sorted(ordered, key=lambda row: row.cell.region) if wish.by_region else ordered
