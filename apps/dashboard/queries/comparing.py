"""What the page that holds two to six versions beside each other shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from apps.core import charts, figures
from apps.core.charts import LineChart, Series, Whisker
from apps.core.errors import Invalid
from apps.core.figures import Delta
from apps.dashboard.comparison import Group, Known, groups
from apps.registry import queries as registry
from apps.registry.queries import Days, Direction, Gap, How, Interval, Measured, best, months
from apps.tracking.queries import origins, reported_by_run

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily, ModelVersion
    from apps.registry.queries import Measurements

MONTHS_SHOWN = 12
SERIES_DRAWN = 4
VERSIONS_DRAWN = 30


@dataclass(frozen=True)
class Score:
    """A version on the window: None where nobody measured it; against the reference with the ground it stands on."""

    measured: Measured | None
    gap: Gap | None
    interval: Interval | None
    whisker: Whisker | None
    against_reference: Delta | None
    against_baseline: Delta | None
    trained_on_it: bool  # its training days reach into the window


@dataclass(frozen=True)
class Column:
    """A version of the comparison; the first is the reference that the others are held against."""

    version: ModelVersion
    place: str
    """`Atlanta`, or the model's name where it stands alone; `Portland (portland-maine)` beside another Portland."""
    marks: tuple[str, ...]
    score: Score
    is_reference: bool
    comparable: bool  # of the reference's metric
    as_reference: str  # the ids of all versions with this one first, as an address names them
    without: str  # the ids of the others

    @property
    def family(self) -> ModelFamily | None:
        return self.version.model.family

    @property
    def name(self) -> str:
        return f"{self.place} {self.version.label}"


@dataclass(frozen=True)
class _Shared:
    """What all columns are made from; `alike` are the ids of those of one metric, `reach` the scale of all whiskers."""

    measured: Measurements
    window: Days | None
    standings: registry.Standings
    reach: float
    alike: Sequence[int]
    places: Mapping[int, str]  # by model


@dataclass(frozen=True)
class Month:
    """A window: the metric of each version, None where nobody measured it, and whose was best."""

    window: Days
    values: tuple[float | None, ...]
    winner: int | None  # index of the column

    @property
    def cells(self) -> list[tuple[float | None, bool]]:
        return [(value, nth == self.winner) for nth, value in enumerate(self.values)]


@dataclass(frozen=True)
class Comparison:
    """`window` is None while nothing of it was measured anywhere."""

    columns: Sequence[Column]
    window: Days | None
    windows: Sequence[Days]
    months: Sequence[Month]
    stays: str
    course: LineChart | None
    across_versions: LineChart | None
    groups: Sequence[Group]
    hidden: int  # lines that only say the same of all

    @property
    def reference(self) -> Column:
        return self.columns[0]

    @property
    def is_apart(self) -> bool:
        """Some were scored on other rows than the reference."""
        return any(one.score.gap and one.score.gap.how is How.OTHER_ROWS for one in self.columns)

    @property
    def ids(self) -> list[int]:
        return [one.version.pk for one in self.columns]


def comparison(
    *, actor: User, versions: Sequence[ModelVersion], month: str = "", only_differences: bool = False
) -> Comparison:
    """The first version is the reference. `month` is the last day of a window; the newest that tells most if not said.

    Raises Invalid for a month on which none of them was measured.
    """
    measured = registry.measurements([version.pk for version in versions])
    windows = months(measured.values())
    window = _window(windows, versions, measured, month)
    columns = _columns(versions, measured, window)
    course = _months(columns, measured, windows[-MONTHS_SHOWN:])
    told = groups(_known(actor, versions))
    shown = [group.only_differences() for group in told] if only_differences else told
    return Comparison(
        columns=columns,
        window=window,
        windows=windows,
        months=course,
        stays=_stays(columns, course),
        course=_course(columns, course),
        across_versions=_across(columns[0], window) if window else None,
        groups=[group for group in shown if group.lines],
        hidden=sum(group.same for group in told) if only_differences else 0,
    )


def _window(
    windows: Sequence[Days], versions: Sequence[ModelVersion], measured: Measurements, month: str
) -> Days | None:
    """The one that was asked for; else that on which most of them were measured, the newest of those."""
    if month:
        chosen = next((window for window in windows if str(window.last) == month), None)
        if chosen is None:
            raise Invalid("None of these versions was measured on that month; choose another.", field="month")
        return chosen
    counts = {window: sum((version.pk, window) in measured for version in versions) for window in windows}
    return max(windows, key=lambda window: (counts[window], window), default=None)


def _columns(versions: Sequence[ModelVersion], measured: Measurements, window: Days | None) -> list[Column]:
    alike = [version.pk for version in versions if _metric_of(version) == _metric_of(versions[0])]
    standings = _standings(versions[0], alike, measured, window)
    reach = charts.common_reach((gap.lower, gap.difference, gap.upper) for gap in standings.gaps.values())
    shared = _Shared(measured, window, standings, reach, alike, _places(versions))
    return [_column(version, [one.pk for one in versions], shared) for version in versions]


def _places(versions: Sequence[ModelVersion]) -> dict[int, str]:
    known = {one.model_id: (one.model.segment, one.model.name) for one in versions}
    named = {
        model: (str(segment or name), segment.slug if segment else name) for model, (segment, name) in known.items()
    }
    namesakes = Counter(name for name, _ in set(named.values()))
    return {model: f"{name} ({slug})" if namesakes[name] > 1 else name for model, (name, slug) in named.items()}


def _standings(
    reference: ModelVersion, alike: Sequence[int], measured: Measurements, window: Days | None
) -> registry.Standings:
    way = _way(reference)
    if window is None or way is None:
        return registry.Standings({}, {})
    return registry.standings_on(measured=measured, window=window, reference=reference.pk, others=alike[1:], way=way)


def _column(version: ModelVersion, ids: Sequence[int], shared: _Shared) -> Column:
    others = [pk for pk in ids if pk != version.pk]
    return Column(
        version=version,
        place=shared.places[version.model_id],
        marks=tuple(alias.name for alias in version.aliases.all()),
        score=_score(version, shared),
        is_reference=version.pk == ids[0],
        comparable=version.pk in shared.alike,
        as_reference=_joined([version.pk, *others]),
        without=_joined(others),
    )


def _score(version: ModelVersion, shared: _Shared) -> Score:
    window = shared.window
    mine = shared.measured.get((version.pk, window)) if window else None
    gap = shared.standings.gaps.get(version.pk)
    return Score(
        measured=mine,
        gap=gap,
        interval=shared.standings.intervals.get(version.pk),
        whisker=_whisker(gap, shared.reach),
        against_reference=_better_by(version, gap.difference) if gap else None,
        against_baseline=_over_baseline(version, mine),
        trained_on_it=bool(window and version.trained_through and version.trained_through >= window.first),
    )


def _joined(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))


def _metric_of(version: ModelVersion) -> tuple[str, str, str] | None:
    family = version.model.family
    return (family.metric, family.unit, family.direction) if family else None


def _way(version: ModelVersion) -> Direction | None:
    return Direction(version.model.family.direction) if version.model.family else None


def _better_by(version: ModelVersion, gain: float) -> Delta | None:
    """A gain as the change of the metric that it is: down for an error, up for a score."""
    way = _way(version)
    if way is None:
        return None
    return figures.delta(-gain if way is Direction.LOWER_IS_BETTER else gain, way.value)


def _over_baseline(version: ModelVersion, mine: Measured | None) -> Delta | None:
    if mine is None or mine.baseline is None or version.model.family is None:
        return None
    return figures.delta(mine.metric - mine.baseline, version.model.family.direction)


def _whisker(gap: Gap | None, reach: float) -> Whisker | None:
    if gap is None or gap.lower is None or gap.upper is None:
        return None
    return charts.whisker(gap.lower, gap.upper, gap.difference, reach=reach)


def _months(columns: Sequence[Column], measured: Measurements, windows: Sequence[Days]) -> list[Month]:
    """Whose was best is said only of versions of one model: others have other rows."""
    way = _way(columns[0].version) if len({one.version.model_id for one in columns}) == 1 else None
    return [_month(columns, measured, window, way) for window in windows]


def _month(columns: Sequence[Column], measured: Measurements, window: Days, way: Direction | None) -> Month:
    known = [measured.get((one.version.pk, window)) for one in columns]
    scores = {nth: one.metric for nth, one in enumerate(known) if one}
    return Month(window, tuple(one.metric if one else None for one in known), best(scores, way) if way else None)


def _stays(columns: Sequence[Column], course: Sequence[Month]) -> str:
    """Did the version that won a month win the next one, too? Empty where no two months have a winner."""
    won = [month for month in course if month.winner is not None]
    if len(won) < 2:
        return ""
    steps = list(pairwise(won))
    stayed = sum(one.winner == other.winner for one, other in steps)
    if len(steps) == 1:
        word = "also won" if stayed else "did not win"
        return f"{columns[won[0].winner or 0].name} won {won[0].window.last:%B %Y} and {word} {won[1].window.last:%B}."
    return f"In {stayed} of {len(steps)} steps from one month to the next the winner stayed the same."


def _course(columns: Sequence[Column], course: Sequence[Month]) -> LineChart | None:
    """Of the first few versions that can stand on one axis."""
    drawn = [nth for nth, one in enumerate(columns) if one.comparable][:SERIES_DRAWN]
    if not course:
        return None
    series = [Series(columns[nth].name, [month.values[nth] for month in course]) for nth in drawn]
    return charts.line_chart(series, [f"{month.window.last:%b %Y}" for month in course])


def _across(reference: Column, window: Days) -> LineChart | None:
    """Every version of the reference's model on this window, by number, beside the plain baseline."""
    scores = registry.scores_by_number(reference.version.model, window)[-VERSIONS_DRAWN:]
    if len(scores) < 2:
        return None
    series = [Series(reference.place, [one.metric for one in scores])]
    if all(one.baseline is not None for one in scores):
        series.append(Series("Plain baseline", [one.baseline for one in scores]))
    return charts.line_chart(series, [f"v{one.number}" for one in scores])


def _known(actor: User, versions: Sequence[ModelVersion]) -> list[Known]:
    runs = [version.run_id for version in versions if version.run_id]
    logged, reported = origins(actor=actor, run_ids=runs), reported_by_run(runs)
    return [
        Known(version, logged.get(version.run_id or ""), reported.get(version.run_id or "", {})) for version in versions
    ]
