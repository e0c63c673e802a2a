"""Reads of lineage. What is about a run that the actor may not see does not exist."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from apps.core.errors import Missing
from apps.lineage.models import ToldDataset, ToldRun, ToldRunQuerySet

if TYPE_CHECKING:
    from apps.accounts.models import User

MOST_OF_A_RUN = 200


def told_runs(actor: User) -> ToldRunQuerySet:
    """The newest first, each with its data sets."""
    return _whole(ToldRun.objects.visible_to(actor))


def _whole(found: ToldRunQuerySet) -> ToldRunQuerySet:
    return found.select_related("told_by", "run__experiment").prefetch_related("datasets").order_by("-last_at", "-id")


def told_run(*, actor: User, pk: int) -> ToldRun:
    """Raises Missing."""
    found = told_runs(actor).filter(pk=pk).first()
    if found is None:
        raise Missing(f"Nobody told of a run #{pk}, or you may not see it.")
    return found


def told_of(run_id: str) -> Sequence[ToldRun]:
    """What was told of one run, which one may see, and of its parts, in the order of their beginnings."""
    found = _whole(ToldRun.objects.filter(run=run_id))[:MOST_OF_A_RUN]
    return sorted(found, key=lambda one: (one.started_at or one.last_at, one.pk))


def last_writers(*, actor: User, places: Collection[str], besides: str | None) -> dict[str, ToldRun]:
    """By data set, the run that wrote it last, of those that this person may see; not those of our run `besides`."""
    if not places:
        return {}
    seen = ToldRun.objects.visible_to(actor).exclude(run=besides) if besides else ToldRun.objects.visible_to(actor)
    rows = ToldDataset.objects.filter(place__in=places, role=ToldDataset.Role.OUTPUT, told_run__in=seen)
    newest = rows.select_related("told_run__told_by", "told_run__run").order_by("place", "-told_run__last_at")
    return {row.place: row.told_run for row in newest.distinct("place")}
