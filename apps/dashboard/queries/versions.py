"""What the pages of one segment and of one version show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from apps.artifacts.queries import files_of
from apps.core import charts, figures
from apps.core.charts import LineChart, Series, Whisker
from apps.core.errors import Missing
from apps.core.figures import Delta
from apps.dashboard.comparison import as_text, parameters
from apps.dashboard.fleet import Row
from apps.dashboard.queries.aliases import History, history
from apps.dashboard.queries.fleets import fleet_rows
from apps.dashboard.queries.lineage import Lineage, lineage_of_version
from apps.dashboard.queries.links import links_of_segment, links_of_version
from apps.dashboard.queries.previews import Preview, preview
from apps.registry import queries as registry
from apps.retraining import queries as retraining
from apps.tracking.queries import reported_by_run

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.artifacts.models import TreeFile
    from apps.platforms.queries import LinkOut
    from apps.registry.models import (
        AliasMove,
        Consumption,
        Evaluation,
        ModelFamily,
        ModelVersion,
        Promotion,
        RegisteredModel,
    )
    from apps.registry.queries import Candidacy
    from apps.retraining.models import SegmentRun

CHAMPION = "champion"
RUNS_SHOWN = 8
VERSIONS_SHOWN = 100
USES_SHOWN = 20
SEGMENT_RUN = "segment-run:"


@dataclass(frozen=True)
class VersionLine:
    """A version with what it said of itself and what the evaluator measured, each None where there is nothing.

    `loaded_by` is how many have used it lately.
    """

    version: ModelVersion
    reported: float | None
    evaluation: Evaluation | None
    is_champion: bool
    loaded_by: int


@dataclass(frozen=True)
class SegmentPage:
    """`model` is None for a segment for which nothing was ever trained; `course` while nothing is evaluated."""

    family: ModelFamily
    row: Row
    model: RegisteredModel | None
    lines: Sequence[VersionLine]
    course: LineChart | None
    history: History
    runs: Sequence[SegmentRun]
    may_go_back: bool  # something served before what serves now
    links: Sequence[LinkOut]


@dataclass(frozen=True)
class Setting:
    """A parameter as JSON, and the champion's where it is another; empty where there is none."""

    name: str
    value: str
    champion: str
    differs: bool


@dataclass(frozen=True)
class VersionPage:
    """`candidacy` is what the gates say now, None for a version that serves or has served."""

    family: ModelFamily
    version: ModelVersion
    champion: ModelVersion | None
    candidacy: Candidacy[ModelVersion] | None
    reported: Mapping[str, float]
    evaluation: Evaluation | None
    daily: LineChart | None
    evaluations: Sequence[Evaluation]
    files: Sequence[TreeFile]
    settings: Sequence[Setting]
    promotions: Sequence[Promotion]
    moves: Sequence[AliasMove]
    run_id: int | None
    schema: registry.Schema | None
    data: Sequence[registry.VersionData]
    consumption: Sequence[Consumption]
    preview: Preview | None
    links: Sequence[LinkOut]
    lineage: Lineage

    @property
    def python(self) -> str:
        """What fetches it with MLflow's client; a flavour that MLflow knows is loaded, other files are only fetched."""
        address = f"models:/{self.version.model.name}/{self.version.number}"
        if "MLmodel" in self.version.formats:
            return f'import mlflow\n\nmodel = mlflow.pyfunc.load_model("{address}")'
        return f'import mlflow\n\nfolder = mlflow.artifacts.download_artifacts("{address}")'

    @property
    def is_champion(self) -> bool:
        return self.champion == self.version

    @property
    def gain(self) -> Delta | None:
        """The evaluated change against the champion it was compared with."""
        if self.evaluation is None or self.evaluation.difference is None:
            return None
        lower = self.family.direction == self.family.Direction.LOWER
        change = self.evaluation.difference * (-1 if lower else 1)
        return figures.delta(change, self.family.direction)

    @property
    def whisker(self) -> Whisker | None:
        one = self.evaluation
        if one is None or one.difference is None or one.lower is None or one.upper is None:
            return None
        reach = max(abs(one.lower), abs(one.upper)) or 1.0
        return charts.whisker(one.lower, one.upper, one.difference, reach=reach)

    @property
    def has_served(self) -> bool:
        return any(move.after_id == self.version.pk for move in self.moves)


def segment_page(
    *, actor: User, family: ModelFamily, slug: str, alias: str = CHAMPION, day: date | None = None
) -> SegmentPage:
    """`alias` is the one whose history is told, `day` one to look back to.

    Raises Missing for a segment that the family does not have, Invalid for an alias that it does not protect.
    """
    row = _row(actor, family, slug)
    made = registry.all_versions(actor).filter(model__name=row.cell.model).prefetch_related(None)
    versions = list(made[:VERSIONS_SHOWN])
    evaluations = list(registry.evaluations(actor).of_one_model().filter(model__name=row.cell.model, status="done"))
    model = versions[0].model if versions else None
    told = history(family, model, alias, day)
    moves = told.moves if alias == CHAMPION else list(registry.alias_history(model)) if model else []
    runs = retraining.segment_runs(actor).filter(request__family=family, segment__slug=slug)[:RUNS_SHOWN]
    return SegmentPage(
        family=family,
        row=row,
        model=model,
        lines=_lines(family, row, versions, evaluations),
        course=_course(row, moves, evaluations),
        history=told,
        runs=list(runs),
        may_go_back=any(move.before_id for move in moves),
        links=links_of_segment(family, slug),
    )


def version_page(*, actor: User, family: ModelFamily, slug: str, number: int, shown: str = "") -> VersionPage:
    """`shown` is the path of a file to preview. Raises Missing, for that too."""
    version = registry.version(actor=actor, model=f"{family.slug}.{slug}", number=number)
    origin = registry.origin_of_version(actor=actor, version=version)
    moves = list(registry.alias_history(version.model))
    served = any(move.after_id == version.pk for move in moves)
    candidacy = None if served else registry.candidacies(family, [version])[0]
    # After the candidacy: what was evaluated between the two is then among them.
    evaluations = list(registry.evaluations(actor).of_one_model().filter(candidate=version).defer(None))
    champion = moves[0].after if moves else None
    evaluation = _telling(evaluations, candidacy)
    return VersionPage(
        family=family,
        version=version,
        champion=champion,
        candidacy=candidacy,
        reported=_reported(version),
        evaluation=evaluation,
        daily=_daily(evaluation) if evaluation else None,
        evaluations=evaluations,
        files=list(files_of(version.tree)) if version.tree else [],
        settings=_settings(version, champion),
        promotions=list(version.promotions.select_related("wave__proposer")),
        moves=[move for move in moves if version.pk in (move.after_id, move.before_id)],
        run_id=_segment_run(version.origin),
        schema=registry.schema_of(version),
        data=registry.data_of(version, origin),
        consumption=list(registry.consumption(version)[:USES_SHOWN]),
        preview=preview(version.its_tree, shown) if shown else None,
        links=links_of_version(actor, version),
        lineage=lineage_of_version(actor=actor, version=version, origin=origin),
    )


def _row(actor: User, family: ModelFamily, slug: str) -> Row:
    found = fleet_rows(actor=actor, family=family, segments=[slug]) if "\0" not in slug else []
    if not found:
        raise Missing(f"{family} has no segment {slug!r}; its page lists them all.")
    return found[0]


def _lines(
    family: ModelFamily, row: Row, versions: Sequence[ModelVersion], evaluations: Sequence[Evaluation]
) -> list[VersionLine]:
    """Each version with its newest evaluation: those come the newest first."""
    reported = reported_by_run([version.run_id for version in versions if version.run_id])
    newest: dict[int, Evaluation] = {}
    for evaluation in evaluations:
        newest.setdefault(evaluation.candidate_id, evaluation)
    champion = row.cell.champion.id if row.cell.champion else None
    loaded = registry.loaded_by([version.pk for version in versions])
    return [
        VersionLine(
            version=version,
            reported=reported.get(version.run_id or "", {}).get(family.metric),
            evaluation=newest.get(version.pk),
            is_champion=version.pk == champion,
            loaded_by=loaded[version.pk],
        )
        for version in versions
    ]


def _course(row: Row, moves: Sequence[AliasMove], evaluations: Sequence[Evaluation]) -> LineChart | None:
    """Champions, candidate and plain baseline over the windows they were evaluated on, the oldest first."""
    windows = sorted({(one.window_first, one.window_last) for one in evaluations})
    if not windows:
        return None
    series = [
        Series(words, [_score(version, window, evaluations) for window in windows])
        for words, version in _told(row, moves)
    ]
    baseline = Series("Plain baseline", [_baseline(window, evaluations) for window in windows])
    return charts.line_chart([*series, baseline], [f"{last:%b %Y}" for _, last in windows])


def _told(row: Row, moves: Sequence[AliasMove]) -> list[tuple[str, int]]:
    """What it is called and its id: the champion, the one that served before it, the candidate."""
    former = moves[0].before if moves else None
    named = (("Champion", row.cell.champion), ("Former champion", former), ("Candidate", row.cell.candidate))
    return [(f"{role} {version.label}", version.id) for role, version in named if version]


def _score(version: int, window: tuple[Any, Any], evaluations: Sequence[Evaluation]) -> float | None:
    for one in evaluations:
        if (one.window_first, one.window_last) == window and version in (one.candidate_id, one.champion_id):
            return one.candidate_metric if one.candidate_id == version else one.champion_metric
    return None


def _baseline(window: tuple[Any, Any], evaluations: Sequence[Evaluation]) -> float | None:
    of_window = (one for one in evaluations if (one.window_first, one.window_last) == window)
    return next((one.baseline_metric for one in of_window if one.baseline_metric is not None), None)


def _telling(evaluations: Sequence[Evaluation], candidacy: Candidacy[ModelVersion] | None) -> Evaluation | None:
    """The evaluation that the page tells in full, with its days: what the gates look at, else the newest done one."""
    if candidacy and (judged := candidacy.evaluation):
        return next(one for one in evaluations if one.pk == judged.pk)
    return next((one for one in evaluations if one.status == "done"), None)


def _daily(evaluation: Evaluation) -> LineChart | None:
    """The mean error of each day; `daily` holds sums over the day's rows."""
    days = [day for day in evaluation.daily if day.get("rows")]
    if len(days) < 2:
        return None
    names = {"candidate": evaluation.candidate.label}
    if evaluation.champion:
        names["champion"] = f"Champion {evaluation.champion.label}"
    series = [
        Series(words, [day[name] / day["rows"] if day.get(name) is not None else None for day in days])
        for name, words in names.items()
    ]
    return charts.line_chart(series, [f"{date.fromisoformat(day['day']):%-d %b}" for day in days])


def _reported(version: ModelVersion) -> Mapping[str, float]:
    """By its run; of a version from elsewhere what came with its files."""
    if version.run_id:
        return reported_by_run([version.run_id]).get(version.run_id, {})
    return {metric["key"]: metric["value"] for metric in version.reported_metrics if _is_number(metric["value"])}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _settings(version: ModelVersion, champion: ModelVersion | None) -> list[Setting]:
    """By name, those that the champion has otherwise first."""
    own = parameters(version)
    others = parameters(champion) if champion and champion != version else own
    pairs = [(name, _as_text(own, name), _as_text(others, name)) for name in sorted(own.keys() | others.keys())]
    found = [Setting(name, mine, champions, mine != champions) for name, mine, champions in pairs]
    return sorted(found, key=lambda setting: not setting.differs)


def _as_text(said: Mapping[str, Any], name: str) -> str:
    return as_text(said[name]) if name in said else ""


def _segment_run(origin: str | None) -> int | None:
    number = (origin or "").removeprefix(SEGMENT_RUN)
    return int(number) if number.isdigit() else None
