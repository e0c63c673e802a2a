"""What a run's page shows, and the list of an experiment's runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.artifacts.queries import files_of
from apps.dashboard.queries.lineage import Lineage, lineage_of_run
from apps.dashboard.queries.links import links_of_tracked
from apps.dashboard.queries.previews import Preview, preview
from apps.registry.queries import all_versions
from apps.tracking import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.accounts.models import User
    from apps.artifacts.models import TreeFile
    from apps.platforms.queries import LinkOut
    from apps.registry.models import ModelVersion
    from apps.tracking.models import Experiment, LoggedModel, Run

MOST_FILES = 500


@dataclass(frozen=True)
class RunPage:
    run: Run
    latest: Sequence[tuple[str, float]]
    curves: Sequence[queries.Curve]
    files: Sequence[TreeFile]
    more_files: bool
    models: Sequence[LoggedModel]
    versions: Sequence[ModelVersion]
    preview: Preview | None
    links: Sequence[LinkOut]
    lineage: Lineage


@dataclass(frozen=True)
class RunLine:
    """A run in its experiment's list, with the value of each metric that has a column."""

    run: Run
    values: Sequence[float | None]


def run_page(*, actor: User, run_id: str, shown: str = "") -> RunPage:
    """`shown` is the path of a file to preview. Raises Missing, for that too."""
    run = queries.whole_run(actor=actor, run_id=run_id)
    files = list(files_of(run.tree)[: MOST_FILES + 1])
    return RunPage(
        run=run,
        latest=sorted(queries.reported(run).items()),
        curves=queries.curves(run),
        files=files[:MOST_FILES],
        more_files=len(files) > MOST_FILES,
        models=list(queries.logged_models(actor).filter(run=run)),
        versions=list(all_versions(actor).filter(run=run)),
        preview=preview(run.tree, shown) if shown else None,
        links=links_of_tracked(actor, run),
        lineage=lineage_of_run(actor=actor, run=run),
    )


def experiment_lines(*, actor: User, runs: Sequence[Run]) -> tuple[list[str], list[RunLine]]:
    """The metrics most of these runs have (at most four), and each run with its values of them."""
    latest = queries.reported_by_run([run.pk for run in runs])
    counts: dict[str, int] = {}
    for values in latest.values():
        for key in values:
            counts[key] = counts.get(key, 0) + 1
    shown = sorted(sorted(counts, key=lambda key: (-counts[key], key))[:4])
    return shown, [RunLine(run, [latest.get(run.pk, {}).get(key) for key in shown]) for run in runs]


def experiment(*, actor: User, pk: int) -> Experiment:
    """Raises Missing."""
    return queries.experiment(actor=actor, pk=str(pk))
