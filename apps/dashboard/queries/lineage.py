"""Where a version comes from: its run, the commit, the parameters, and the data and feature views that it used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.lineage.queries import last_writers, told_of
from apps.tracking.queries import Origin, origin_of

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.lineage.models import ToldDataset, ToldRun
    from apps.registry.models import ModelVersion
    from apps.tracking.models import Run

LOGGED, TAGGED, TOLD = "logged by its run", "a tag of its run", "told by"
FEATURE_TAGS = ("feature_views", "feature_service")
"""Tags by which a run names feature views; several are set apart by commas."""
MOST_TAGGED = 50


@dataclass(frozen=True)
class Source:
    """A data set or feature view that a run used. `said` is who says so, `written_by` who wrote it last."""

    name: str
    kind: str  # Data set or Feature view
    used_for: str  # training, evaluation …
    detail: str  # digest, version or where it lies
    said: str
    columns: Sequence[str] = ()
    written_by: ToldRun | None = None


@dataclass(frozen=True)
class Lineage:
    """`commit` and `repository` are empty where nobody says them; `parts` are runs elsewhere that were told of."""

    origin: Origin | None
    commit: str
    repository: str
    sources: Sequence[Source]
    parts: Sequence[ToldRun]


def lineage_of_run(*, actor: User, run: Run) -> Lineage:
    """What a run that this person may read logged of itself, and what others told of it."""
    return _lineage(actor, origin_of(run))


def _lineage(actor: User, origin: Origin) -> Lineage:
    parts = told_of(origin.run)
    told = {one.place: one for part in parts for one in part.read_sets}
    writers = last_writers(actor=actor, places=list(told), besides=origin.run)
    sources = [*_logged(origin), *_tagged(origin), *(_told(one, writers.get(place)) for place, one in told.items())]
    commit = origin.commit or next((part.commit for part in parts if part.commit), "")
    repository = origin.tags.get("mlflow.source.git.repoURL", "")
    repository = repository or next((part.repository for part in parts if part.repository), "")
    return Lineage(origin, commit, repository, sources, parts)


def lineage_of_version(*, actor: User, version: ModelVersion, origin: Origin | None) -> Lineage:
    """Its own files count more than the run that it came from where they name a commit."""
    found = _lineage(actor, origin) if origin else Lineage(None, "", "", (), ())
    own = str(version.provenance.get("commit") or "")
    return Lineage(found.origin, own or found.commit, found.repository, found.sources, found.parts)


def _logged(origin: Origin) -> Iterator[Source]:
    for used in origin.datasets:
        is_view = used.source_type.startswith("feast") or used.address.startswith("feast")
        detail = " · ".join(part for part in (used.address or used.source_type, used.digest) if part)
        yield Source(used.name, _kind(is_view), used.context, detail, LOGGED)


def _tagged(origin: Origin) -> Iterator[Source]:
    for tag in FEATURE_TAGS:
        named = [name.strip() for name in origin.tags.get(tag, "").split(",")[:MOST_TAGGED]]
        detail = "feature service" if tag == "feature_service" else ""
        yield from (Source(name, _kind(True), "", detail, TAGGED) for name in named if name)


def _told(one: ToldDataset, writer: ToldRun | None) -> Source:
    detail = one.namespace + (f" · version {one.version}" if one.version else "")
    columns = [str(field[0]) for field in one.fields]
    return Source(one.name, _kind(one.is_feature_view), "", detail, f"{TOLD} {one.told_run.told_by}", columns, writer)


def _kind(is_view: bool) -> str:
    return "Feature view" if is_view else "Data set"
