"""The fleet as a map of cells: one number of each segment with its colour, its shape and a sentence. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from apps.core import figures
from apps.dashboard.fleet.rows import Row, State

SHAPES = {"dire": "■", "bad": "◆", "warn": "▲", "ok": "●", "accent": "★", "info": "◇", "idle": "○"}
"""One for each tone, so that nobody has to tell colours apart."""
DIRE = 0.5
"""A champion that is this share worse than the plain baseline does harm."""
STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"))
MARKS: Mapping[str, tuple[str, Callable[[Row], bool]]] = {
    "✓": ("its candidate passed", lambda row: row.state is State.PASSES),
    "↻": ("being retrained", lambda row: row.is_retraining),
    "✗": ("its last run failed", lambda row: row.has_failed),
    "!": ("an alarm about its data", lambda row: bool(row.alarms)),
}


@dataclass(frozen=True)
class Measure:
    """What the cells show: `tone` of a row, its `number`, and what each tone means in `words`, the worst first."""

    key: str
    label: str
    worst_first: str
    words: Mapping[str, str]
    tone: Callable[[Row], str]
    number: Callable[[Row], str]


@dataclass(frozen=True)
class Cell:
    """One segment. `says` is all that is known of it in a sentence, `marks` what else there is beside the number."""

    slug: str
    name: str
    region: str
    tone: str
    shape: str
    number: str
    marks: str
    says: str
    is_ticked: bool


@dataclass(frozen=True)
class Group:
    """The cells of a region, or all of them without a name."""

    name: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Key:
    """A line of the legend: what a shape means, and how many cells have it."""

    tone: str
    shape: str
    word: str
    count: int


@dataclass(frozen=True)
class Heat:
    groups: Sequence[Group]
    legend: Sequence[Key]
    marks: Sequence[tuple[str, str]]


def heat(rows: Sequence[Row], measure: Measure, *, by_region: bool, ticked: Collection[str], unit: str) -> Heat:
    """Of the rows as they come; with `by_region` they come region by region."""
    cells = [_cell(row, measure, ticked=row.cell.segment in ticked, unit=unit) for row in rows]
    counts = Counter(cell.tone for cell in cells)
    return Heat(
        groups=[Group(name, list(some)) for name, some in groupby(cells, key=lambda one: one.region)]
        if by_region
        else [Group("", cells)],
        legend=[Key(tone, SHAPES[tone], word, counts[tone]) for tone, word in measure.words.items() if counts[tone]],
        marks=[(mark, word) for mark, (word, holds) in MARKS.items() if any(map(holds, rows))],
    )


def _cell(row: Row, measure: Measure, *, ticked: bool, unit: str) -> Cell:
    tone = measure.tone(row)
    return Cell(
        slug=row.cell.segment,
        name=row.own_name,
        region=row.cell.region,
        tone=tone,
        shape=SHAPES[tone],
        number=measure.number(row),
        marks=" ".join(mark for mark, (_, holds) in MARKS.items() if holds(row)),
        says="; ".join(_sentences(row, unit)),
        is_ticked=ticked,
    )


def _sentences(row: Row, unit: str) -> Iterator[str]:
    """What stands in the row of the table, for who points at the cell."""
    cell = row.cell
    if place := [words for words in (cell.name if row.shares_name else "", cell.region) if words]:
        yield ", ".join(place)
    yield _champion(row)
    if row.newest is not None and row.against_baseline:
        against = row.against_baseline
        yield f"{figures.number(row.newest)} {unit}, {against.size} {against.word} than the baseline"
    if cell.candidate and row.badge:
        yield f"candidate {cell.candidate.label}: {row.badge.word.lower()}"
    if row.has_failed and row.last_run:
        yield f"its last run failed: {row.last_run.reason}"
    for alarm in row.alarms:
        yield f"{alarm.kind} alarm: {alarm.summary}"


def _champion(row: Row) -> str:
    cell = row.cell
    if cell.champion is None:
        serves = f", {row.stand_in.fallback} v{row.stand_in.version} serves" if row.stand_in else ""
        return f"no champion yet{serves}{f': {row.why}' if row.why and not cell.candidate else ''}"
    return cell.champion.label if cell.age_days is None else f"{cell.champion.label}, {cell.age_days} days old"


def _percent(share: float | None) -> str:
    """`+41 %`, `−8 %`; under one percent with a decimal."""
    if share is None:
        return figures.NOTHING
    if math.isinf(share):
        return "∞"
    percent = 100 * share
    words = f"{percent:+.0f}" if abs(percent) >= 0.95 else f"{percent:+.1f}" if round(percent, 1) else "0"
    return f"{words.replace('-', '−')} %"


def _by_baseline(row: Row) -> str:
    if row.worse_by is None:
        return "idle" if row.cell.champion is None else "info"
    if row.worse_by > DIRE:
        return "dire"
    return "bad" if row.is_much_worse else "warn" if row.is_worse else "ok"


def _over_baseline(row: Row) -> str:
    """As the metric itself differs: an error that is higher, a score that is lower."""
    share = row.worse_by
    return _percent(share if share is None or row.lower_is_better else -share)


def _by_candidate(row: Row) -> str:
    return CANDIDATE_TONES[row.state]


def _over_champion(row: Row) -> str:
    """Of a first candidate the metric: there is nothing to compare it with."""
    share = row.against_champion_by
    if share is None:
        return figures.number(row.candidate_metric)
    return _percent(-share if row.lower_is_better else share)


def _by_age(row: Row) -> str:
    if row.cell.age_days is None:
        return "idle" if row.cell.champion is None else "info"
    return "warn" if row.is_stale else "ok"


def _by_run(row: Row) -> str:
    return RUN_TONES.get(row.last_run.status, "idle") if row.last_run else "idle"


def _ran(row: Row) -> str:
    """How long ago it ended: `3 d`, `2 h`."""
    if row.last_run is None:
        return figures.NOTHING
    ago = row.last_run.ended_ago
    return "now" if ago is None else next((f"{ago // size:.0f} {unit}" for size, unit in STEPS if ago >= size), "0 min")


CANDIDATE_TONES = {
    State.PASSES: "ok",
    State.FAILS: "bad",
    State.INCONCLUSIVE: "warn",
    State.NOT_EVALUATED: "info",
    State.EVALUATING: "info",
    State.PROPOSED: "accent",
    State.NONE: "idle",
}
RUN_TONES = {
    "failed": "bad",
    "no_data": "warn",
    "succeeded": "ok",
    "running": "info",
    "sent": "info",
    "waiting": "info",
}
AGAINST_BASELINE = {
    "dire": "over 50 % worse than the plain baseline",
    "bad": "over 10 %",
    "warn": "up to 10 % worse",
    "ok": "better, or as good",
    "info": "not measured",
    "idle": "no champion",
}
MEASURES: Mapping[str, Measure] = {
    measure.key: measure
    for measure in (
        Measure("baseline", "Against the baseline", "-gap", AGAINST_BASELINE, _by_baseline, _over_baseline),
        Measure(
            "champion",
            "Candidate against champion",
            "-gain",
            {
                "bad": "not passed",
                "warn": "inconclusive",
                "ok": "passed",
                "accent": "in an open promotion",
                "info": "not evaluated",
                "idle": "no candidate",
            },
            _by_candidate,
            _over_champion,
        ),
        Measure(
            "metric",
            "Metric now",
            "-worst",
            AGAINST_BASELINE,
            _by_baseline,
            lambda row: figures.number(row.newest),
        ),
        Measure(
            "age",
            "Age",
            "-age",
            {"warn": "stale", "ok": "fresh", "info": "age not known", "idle": "no champion"},
            _by_age,
            lambda row: figures.NOTHING if row.cell.age_days is None else f"{row.cell.age_days} d",
        ),
        Measure(
            "run",
            "Last run",
            "-run",
            {"bad": "failed", "warn": "no data", "ok": "succeeded", "info": "under way", "idle": "none, or cancelled"},
            _by_run,
            _ran,
        ),
        Measure(
            "signals",
            "Signals",
            "-alarms",
            {"bad": "alarms about its data", "ok": "no alarm"},
            lambda row: "bad" if row.alarms else "ok",
            lambda row: str(len(row.alarms)),
        ),
    )
}
"""What the cells can show, by their word in the address."""
