"""A family's fleet as its page shows it: pure, from the registry's rows to what is filtered, sorted and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from apps.core import charts, figures
from apps.core.charts import Part, Whisker
from apps.core.errors import Invalid
from apps.core.figures import Delta

if TYPE_CHECKING:
    from apps.registry.queries import FleetRow, Resolved, ScoreCell

MUCH_WORSE = 0.10
"""A champion that is this share worse than the plain baseline is much worse, not just unlucky."""
LONGEST_SEARCH = 100
UNFINISHED = ("waiting", "running")
WHISKER_WIDTH = 72


class State(StrEnum):
    """What is known of a row's candidate."""

    PASSES = "passes"
    FAILS = "fails"
    INCONCLUSIVE = "inconclusive"
    NOT_EVALUATED = "not-evaluated"
    EVALUATING = "evaluating"
    PROPOSED = "proposed"
    NONE = "no-candidate"


@dataclass(frozen=True)
class Badge:
    tone: str
    icon: str
    word: str


BADGES = {
    State.PASSES: Badge("ok", "circle-check", "Passed"),
    State.FAILS: Badge("bad", "circle-x", "Not passed"),
    State.INCONCLUSIVE: Badge("warn", "triangle-alert", "Inconclusive"),
    State.NOT_EVALUATED: Badge("idle", "circle-dashed", "Not evaluated"),
    State.EVALUATING: Badge("info", "loader", "Evaluating"),
    State.PROPOSED: Badge("accent", "hourglass", "In an open promotion"),
}


@dataclass(frozen=True)
class Row:
    """One segment of the registry's fleet, judged.

    `newest` is the champion's metric on the newest month and `gap` how much worse than the plain baseline that is
    (negative: better); `comparison` is of the candidate with the champion of now on the newest month, None while
    there is none, and `gain` how much better the candidate was. All in the metric's unit.
    """

    cell: FleetRow
    state: State
    newest: float | None
    baseline: float | None
    gap: float | None
    comparison: ScoreCell | None
    lower_is_better: bool
    whisker: Whisker | None
    why: str
    is_retraining: bool
    shares_name: bool  # with another segment, so that its slug has to be said too
    stand_in: Resolved | None = None  # what serves where it has no champion of its own

    @property
    def promoted_with(self) -> float | None:
        """The champion's metric when it was promoted."""
        return self.cell.evaluated.candidate if self.cell.evaluated else None

    @property
    def rows(self) -> int | None:
        """On how many rows `newest` was measured."""
        measured = self.cell.newest if self.cell.newest and self.cell.newest.candidate is not None else self.comparison
        return measured.rows if measured else None

    @property
    def gain(self) -> float | None:
        return self.comparison.difference if self.comparison else None

    @property
    def candidate_metric(self) -> float | None:
        return self.comparison.candidate if self.comparison else None

    @property
    def badge(self) -> Badge | None:
        return BADGES.get(self.state)

    @property
    def against_baseline(self) -> Delta | None:
        return self._delta(self.gap, worse=True)

    @property
    def against_champion(self) -> Delta | None:
        return self._delta(self.gain, worse=False)

    @property
    def tone(self) -> str:
        """Of the interval: coloured only where the gates say something."""
        return {State.PASSES: "ok", State.PROPOSED: "ok", State.FAILS: "bad"}.get(self.state, "")

    @property
    def is_being_measured(self) -> bool:
        """Its champion is being evaluated on the newest month."""
        return self.newest is None and self.cell.newest is not None and self.cell.newest.status in UNFINISHED

    @property
    def is_stale(self) -> bool:
        return self.cell.is_fresh is False

    @property
    def is_worse(self) -> bool:
        return self.gap is not None and self.gap > 0

    @property
    def is_much_worse(self) -> bool:
        return self.gap is not None and self.baseline is not None and self.gap > MUCH_WORSE * abs(self.baseline)

    def _delta(self, amount: float | None, *, worse: bool) -> Delta | None:
        """Down is better for an error, up for a score."""
        if amount is None:
            return None
        better = "lower" if self.lower_is_better else "higher"
        return figures.delta(amount if worse == self.lower_is_better else -amount, better)


def judged(
    cells: Sequence[FleetRow],
    *,
    lower_is_better: bool,
    notes: Mapping[str, str] | None = None,
    retraining: Collection[str] = (),
    stand_ins: Mapping[str, Resolved] | None = None,
) -> list[Row]:
    """A row per cell. `notes`: by segment, why there is no champion yet; `stand_ins`: by segment, what serves until
    then; `retraining`: segments with an open run.
    """
    current = [_comparison(cell) for cell in cells]
    reach = charts.common_reach((one.lower, one.difference, one.upper) for one in current if one)
    named = Counter(cell.name for cell in cells)
    return [
        _row(
            cell,
            reach=reach,
            lower_is_better=lower_is_better,
            note=(notes or {}).get(cell.segment, ""),
            is_retraining=cell.segment in retraining,
            shares_name=named[cell.name] > 1,
            stand_in=(stand_ins or {}).get(cell.segment),
        )
        for cell in cells
    ]


def _row(
    cell: FleetRow,
    *,
    reach: float,
    lower_is_better: bool,
    note: str,
    is_retraining: bool,
    shares_name: bool,
    stand_in: Resolved | None,
) -> Row:
    newest, baseline = _on_newest(cell)
    worse_by = None if newest is None or baseline is None else newest - baseline
    state, comparison = state_of(cell), _comparison(cell)
    return Row(
        cell=cell,
        state=state,
        newest=newest,
        baseline=baseline,
        gap=worse_by if worse_by is None or lower_is_better else -worse_by,
        comparison=comparison,
        lower_is_better=lower_is_better,
        whisker=_whisker(comparison, reach),
        why=_why(cell, state) if cell.candidate else note,
        is_retraining=is_retraining,
        shares_name=shares_name,
        stand_in=stand_in,
    )


def state_of(cell: FleetRow) -> State:
    if cell.candidate is None:
        return State.NONE
    if cell.open_wave:
        return State.PROPOSED
    if cell.is_eligible:
        return State.PASSES
    if cell.comparison and cell.comparison.status in UNFINISHED:
        return State.EVALUATING
    outcomes = {verdict.outcome for verdict in cell.verdicts if verdict.numbers}  # without numbers: not compared
    if not outcomes:
        return State.NOT_EVALUATED
    return State.FAILS if "fail" in outcomes else State.INCONCLUSIVE


def _comparison(cell: FleetRow) -> ScoreCell | None:
    """Without the one of a month or a champion that is over: it would read as if it were of now."""
    return None if state_of(cell) is State.NOT_EVALUATED else cell.comparison


def _on_newest(cell: FleetRow) -> tuple[float | None, float | None]:
    """The champion and the plain baseline on the newest month: from its own check, else from the comparison."""
    if cell.champion is None:
        return None, None
    if cell.newest and cell.newest.candidate is not None:
        return cell.newest.candidate, cell.newest.baseline
    comparison = _comparison(cell)
    return (comparison.champion, comparison.baseline) if comparison else (None, None)


def _why(cell: FleetRow, state: State) -> str:
    """The gates' own sentence, or for one that passes on how much it was compared."""
    if state is State.PASSES and cell.comparison:
        return f"{cell.comparison.rows} rows on {cell.comparison.days} days"
    return "" if state is State.PROPOSED else cell.refusal


def _whisker(score: ScoreCell | None, reach: float) -> Whisker | None:
    if score is None or score.difference is None or score.lower is None or score.upper is None:
        return None
    return charts.whisker(score.lower, score.upper, score.difference, reach=reach, width=WHISKER_WIDTH, height=14)


FILTERS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "passes": ("Passed", lambda row: row.state is State.PASSES),
    "proposed": ("In an open promotion", lambda row: row.state is State.PROPOSED),
    "inconclusive": ("Inconclusive", lambda row: row.state is State.INCONCLUSIVE),
    "fails": ("Not passed", lambda row: row.state is State.FAILS),
    "not-evaluated": ("Not evaluated", lambda row: row.state in (State.NOT_EVALUATED, State.EVALUATING)),
    "worse-than-baseline": ("Worse than the baseline", lambda row: row.is_worse),
    "stale": ("Stale", lambda row: row.is_stale),
    "empty": ("No champion", lambda row: row.cell.champion is None),
}
SORTS: dict[str, Callable[[Row], float | str | None]] = {
    "gap": lambda row: row.gap,
    "segment": lambda row: row.cell.name.lower(),
    "age": lambda row: row.cell.age_days,
    "evaluated": lambda row: row.promoted_with,
    "newest": lambda row: row.newest,
    "candidate": lambda row: row.candidate_metric,
    "gain": lambda row: row.gain,
}
WORST_FIRST = "-gap"


@dataclass(frozen=True)
class Wanted:
    """What the reader asked the page for; all of it stands in the address."""

    state: str = ""
    text: str = ""
    sort: str = WORST_FIRST
    by_region: bool = False
    request: int | None = None
    ticks: bool = False  # the rows that pass come ticked

    @property
    def is_narrowed(self) -> bool:
        return bool(self.state or self.text or self.request)


def wanted(query: Mapping[str, str]) -> Wanted:
    """Raises Invalid for a filter, an order or a request number that does not exist."""
    found = Wanted(
        state=query.get("state", ""),
        text=query.get("q", "").strip()[:LONGEST_SEARCH],
        sort=query.get("sort", "") or WORST_FIRST,
        by_region=query.get("group") == "region",
        request=_number(query.get("request", "")),
        ticks=query.get("tick") == "passes",
    )
    if found.state and found.state not in FILTERS:
        raise Invalid(f"There is no filter {found.state[:40]!r}; choose from {', '.join(FILTERS)}.", field="state")
    if found.sort.removeprefix("-") not in SORTS:
        raise Invalid(f"There is no order {found.sort[:40]!r}; choose from {', '.join(SORTS)}.", field="sort")
    return found


def _number(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid("A request has a number, such as 12.", field="request")
    return int(text)


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


def _matches(row: Row, wish: Wanted) -> bool:
    if wish.state and not FILTERS[wish.state][1](row):
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


@dataclass(frozen=True)
class Summary:
    """How the fleet does, in figures; the means are plain ones over the champions measured on the newest month."""

    segments: int
    champions: int
    measured: int
    being_measured: int
    worse: int
    much_worse: int
    stale: int
    states: Mapping[State, int]
    newest: float | None
    baseline: float | None

    @property
    def empty(self) -> int:
        return self.segments - self.champions

    @property
    def passes(self) -> int:
        return self.states[State.PASSES]

    @property
    def proposed(self) -> int:
        return self.states[State.PROPOSED]

    @property
    def candidates(self) -> int:
        return self.segments - self.states[State.NONE]

    @property
    def evaluating(self) -> int:
        return self.states[State.EVALUATING]

    @property
    def judged(self) -> int:
        """Candidates that wait for no evaluation any more."""
        return self.candidates - self.evaluating

    @property
    def unmeasured(self) -> int:
        """Candidates and champions that nobody has evaluated on the newest month."""
        return self.states[State.NOT_EVALUATED] + self.champions - self.measured - self.being_measured

    @property
    def refused(self) -> int:
        return self.states[State.FAILS] + self.states[State.INCONCLUSIVE]

    @property
    def parts(self) -> list[Part]:
        """Champions on the newest month against the plain baseline, the good first."""
        parts = [
            Part("better", self.measured - self.worse, "ok"),
            Part("up to 10 % worse", self.worse - self.much_worse, "warn"),
            Part("over 10 % worse", self.much_worse, "bad"),
            Part("not measured", self.champions - self.measured, "info"),
            Part("no champion", self.empty, "idle"),
        ]
        return [part for part in parts if part.count]

    @property
    def tone(self) -> str:
        """bad when most champions lose against the plain baseline, warn when one in five does."""
        if not self.measured:
            return "idle"
        if self.worse * 2 > self.measured:
            return "bad"
        return "warn" if self.worse * 5 > self.measured else "ok"


def summarised(rows: Sequence[Row]) -> Summary:
    measured = [row for row in rows if row.gap is not None]
    return Summary(
        segments=len(rows),
        champions=sum(row.cell.champion is not None for row in rows),
        measured=len(measured),
        being_measured=sum(row.is_being_measured for row in rows),
        worse=sum(row.is_worse for row in rows),
        much_worse=sum(row.is_much_worse for row in rows),
        stale=sum(row.is_stale for row in rows),
        states={state: sum(row.state is state for row in rows) for state in State},
        newest=_mean(row.newest for row in measured),
        baseline=_mean(row.baseline for row in measured),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
