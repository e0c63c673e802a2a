"""What would go by a rule, one by one: a page of it is loaded at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from apps.artifacts.queries import sizes_of
from apps.registry.queries.keeping import versions_of
from apps.retention.files import Holder, experiment_of, files_to_cut
from apps.retention.terms import Kind, Terms, before
from apps.retraining.queries.keeping import OctetLength, attempts_to_cut, logs_to_cut
from apps.tracking.queries.keeping import long_histories, names_of, points_of

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily, ModelVersion
    from apps.retraining.models import Attempt, SegmentRun
    from apps.tracking.models import Run


@dataclass(frozen=True)
class Item:
    """One thing of which something would go: `what` it is, its id, and since when it is over.

    `amount` is bytes of a log or of files, or the number of points; None for an attempt. `place` are the parts of its
    page's address, none where it has no page.
    """

    what: str
    id: str
    name: str
    at: datetime
    amount: int | None
    place: tuple[Any, ...] = ()


def found(family: ModelFamily, kind: Kind, days: int) -> Any:
    """Something to page through; `items` makes a page of it readable. Raises Invalid for days that can not be."""
    Terms(**{f"{kind}_days": days}).check()
    return FOUND[kind](family, before(days))


def items(kind: Kind, page: Sequence[Any]) -> list[Item]:
    return READ[kind](list(page))


def _logs(runs: list[SegmentRun]) -> list[Item]:
    return [
        Item("segment run", str(run.pk), _named(run), run.finished_at or run.started_at, run.size, (run.pk,))  # type: ignore[attr-defined,arg-type]
        for run in runs
    ]


def _attempts(attempts: list[Attempt]) -> list[Item]:
    return [
        Item("attempt", str(one.pk), f"{_named(one.segment_run)}, attempt {one.number}", one.started_at, None, (run,))
        for one in attempts
        for run in [one.segment_run_id]
    ]


def _named(run: SegmentRun) -> str:
    return f"{run.segment.name} in request #{run.request_id}"


def _histories(runs: list[Run]) -> list[Item]:
    points = points_of([run.pk for run in runs])
    return [Item("run", run.pk, run.name, run.ended_at or run.started_at, points[run.pk], (run.pk,)) for run in runs]


def _files(holders: list[Holder]) -> list[Item]:
    ids: dict[str, list[str]] = {"version": [], "run": [], "model": []}
    for holder in holders:
        ids[holder.what].append(holder.id)
    versions = versions_of([int(one) for one in ids["version"]])
    names = names_of(runs=ids["run"], models=ids["model"])
    sizes = sizes_of([holder.tree for holder in holders])
    return [_of_files(holder, versions, names, sizes.get(holder.tree, 0)) for holder in holders]


def _of_files(holder: Holder, versions: dict[int, ModelVersion], names: dict[str, str], size: int) -> Item:
    if holder.what == "version":
        version = versions[int(holder.id)]
        segment = version.model.its_segment
        name, place = f"{segment.name} {version.label}", (segment.slug, version.number)
        return Item("version", holder.id, name, holder.at, size, () if version.is_gone else place)
    if holder.what == "run":
        return Item("run", holder.id, names[holder.id], holder.at, size, (holder.id,))
    return Item("logged model", holder.id, names[holder.id], holder.at, size)


FOUND: dict[Kind, Callable[[ModelFamily, datetime], Any]] = {
    Kind.LOGS: lambda family, older: (
        logs_to_cut(family, before=older).select_related("segment").defer("log").annotate(size=OctetLength("log"))
    ),
    Kind.ATTEMPTS: lambda family, older: attempts_to_cut(family, before=older).select_related("segment_run__segment"),
    Kind.METRICS: lambda family, older: long_histories(experiment_of(family), before=older),
    Kind.FILES: lambda family, older: files_to_cut(family, before=older),
}
READ: dict[Kind, Callable[[list[Any]], list[Item]]] = {
    Kind.LOGS: _logs,
    Kind.ATTEMPTS: _attempts,
    Kind.METRICS: _histories,
    Kind.FILES: _files,
}
