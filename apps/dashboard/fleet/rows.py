"""A row per segment: what the registry and retraining know of it, judged. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from apps.core import charts, figures
from apps.core.charts import Whisker
from apps.core.figures import Delta

if TYPE_CHECKING:
    from apps.registry.queries import FleetRow, Resolved, ScoreCell
    from apps.retraining.queries import Alarm, LastRun

MUCH_WORSE = 0.10
"""A champion that is this share worse than the plain baseline is much worse, not just unlucky."""
UNFINISHED = ("waiting", "running")
WITHOUT_VERSION = ("no_data", "failed")
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
    there is none, and `gain` how much better the candidate was. All in the metric's unit. `last_run` is the newest
    segment run, `alarms` what signals say of its data now.
    """

    cell: FleetRow
    state: State
    newest: float | None
    baseline: float | None
    gap: float | None
    comparison: ScoreCell | None
    lower_is_better: bool
    reach: float  # of the scale that all rows' whiskers share
    why: str
    last_run: LastRun | None
    alarms: Sequence[Alarm]
    is_retraining: bool
    shares_name: bool  # with another segment, so that its slug has to be said too
    stand_in: Resolved | None  # what serves where it has no champion of its own

    @property
    def own_name(self) -> str:
        """Its name; its slug where another segment has the same name."""
        return self.cell.segment if self.shares_name else self.cell.name

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
    def whisker(self) -> Whisker | None:
        one = self.comparison
        if one is None or one.difference is None or one.lower is None or one.upper is None:
            return None
        return charts.whisker(one.lower, one.upper, one.difference, reach=self.reach, width=WHISKER_WIDTH, height=14)

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
        return self.worse_by is not None and self.worse_by > MUCH_WORSE

    @property
    def worse_by(self) -> float | None:
        """The gap as a share of the baseline: 0.1 is ten percent worse, negative is better."""
        return _share(self.gap, self.baseline)

    @property
    def against_champion_by(self) -> float | None:
        """The candidate's gain as a share of the champion's metric: 0.1 is ten percent better."""
        return _share(self.gain, self.comparison.champion) if self.comparison else None

    @property
    def has_failed(self) -> bool:
        return self.last_run is not None and self.last_run.status == "failed"

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
    runs: Mapping[str, LastRun] | None = None,
    alarms: Mapping[str, Sequence[Alarm]] | None = None,
    retraining: Collection[str] = (),
    stand_ins: Mapping[str, Resolved] | None = None,
) -> list[Row]:
    """A row per cell. By segment: `runs`, `alarms`, and `stand_ins`, what serves where there is no champion yet;
    `retraining`: segments with an open run.
    """
    current = [_comparison(cell) for cell in cells]
    reach = charts.common_reach((one.lower, one.difference, one.upper) for one in current if one)
    named = Counter(cell.name for cell in cells)
    return [
        _row(
            cell,
            reach=reach,
            lower_is_better=lower_is_better,
            last_run=(runs or {}).get(cell.segment),
            alarms=(alarms or {}).get(cell.segment, ()),
            is_retraining=cell.segment in retraining,
            shares_name=named[cell.name] > 1,
            stand_in=(stand_ins or {}).get(cell.segment),
        )
        for cell in cells
    ]


def _row(cell: FleetRow, *, lower_is_better: bool, last_run: LastRun | None, **known: Any) -> Row:
    state, comparison = state_of(cell), _comparison(cell)
    newest, baseline = _on_newest(cell, comparison)
    worse_by = None if newest is None or baseline is None else newest - baseline
    return Row(
        cell=cell,
        state=state,
        newest=newest,
        baseline=baseline,
        gap=worse_by if worse_by is None or lower_is_better else -worse_by,
        comparison=comparison,
        lower_is_better=lower_is_better,
        why=_why(cell, state) if cell.candidate else _how_it_ended(last_run),
        last_run=last_run,
        **known,
    )


def _share(part: float | None, whole: float | None) -> float | None:
    if part is None or whole is None:
        return None
    return part / abs(whole) if whole else math.copysign(math.inf, part) if part else 0.0


def _how_it_ended(run: LastRun | None) -> str:
    """Why there is no version: the last run's own sentence."""
    return run.reason if run and run.status in WITHOUT_VERSION else ""


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


def _on_newest(cell: FleetRow, comparison: ScoreCell | None) -> tuple[float | None, float | None]:
    """The champion and the plain baseline on the newest month: from its own check, else from the comparison."""
    if cell.champion is None:
        return None, None
    if cell.newest and cell.newest.candidate is not None:
        return cell.newest.candidate, cell.newest.baseline
    return (comparison.champion, comparison.baseline) if comparison else (None, None)


def _why(cell: FleetRow, state: State) -> str:
    """The gates' own sentence, or for one that passes on how much it was compared."""
    if state is State.PASSES and cell.comparison:
        return f"{cell.comparison.rows} rows on {cell.comparison.days} days"
    return "" if state is State.PROPOSED else cell.refusal
