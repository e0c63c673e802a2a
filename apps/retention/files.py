"""Which files a rule lets go: of versions that nothing needs, and of the family's own runs and logged models."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from apps.registry.queries.keeping import stood_on, versions_to_let_go
from apps.tracking.queries.keeping import Experiment, models_with_files, runs_with_files

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily


@dataclass(frozen=True, order=True)
class Holder:
    """What has a tree of files: a version, a run or a logged model, by its id."""

    at: datetime
    what: Literal["version", "run", "model"]
    id: str
    tree: int


def experiment_of(family: ModelFamily) -> Experiment:
    """What people log elsewhere belongs to no family, whatever they register of it."""
    return Experiment(family.experiment, family.team)


def files_to_cut(family: ModelFamily, *, before: datetime) -> list[Holder]:
    """The oldest first. What a run and its version share is the version's."""
    versions = free_versions(family, before=before)
    trees = {holder.tree for holder in versions}
    others = free_holders(family, before=before, besides=[int(holder.id) for holder in versions])
    return sorted([*versions, *(holder for holder in others if holder.tree not in trees)])


def free_versions(family: ModelFamily, *, before: datetime) -> list[Holder]:
    """Versions that nothing needs, and on whose files no other version stands that something does."""
    rows = versions_to_let_go(family, before=before).values_list("created_at", "pk", "tree")
    found = [Holder(at, "version", str(pk), tree) for at, pk, tree in rows]
    return _free(found, besides=[int(holder.id) for holder in found])


def free_holders(family: ModelFamily, *, before: datetime, besides: Collection[int] = ()) -> list[Holder]:
    """Runs and logged models of which no version was made whose files are kept, but for those versions (ids)."""
    of = experiment_of(family)
    runs = runs_with_files(of, before=before).values_list("ended_at", "pk", "tree")
    models = models_with_files(of, before=before).values_list("created_at", "pk", "tree")
    found = [Holder(at, "run", pk, tree) for at, pk, tree in runs if at]
    found += [Holder(at, "model", pk, tree) for at, pk, tree in models]
    return _free(found, besides=besides)


def _free(found: Iterable[Holder], *, besides: Collection[int]) -> list[Holder]:
    found = list(found)
    named = {what: [holder.id for holder in found if holder.what == what] for what in ("run", "model")}
    trees = [holder.tree for holder in found]
    kept = stood_on(trees=trees, runs=named["run"], models=named["model"], besides=besides)
    return [
        holder
        for holder in found
        if holder.tree not in kept.trees and holder.id not in (kept.runs if holder.what == "run" else kept.models)
    ]
