"""Verbs of lineage. It is evidence, told by other products, so nothing of it is audited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from apps.core.errors import Conflict
from apps.core.permissions import allowed, require
from apps.lineage.models import ToldDataset, ToldEvent, ToldRun
from apps.lineage.openlineage import MOST_DATASETS, Told
from apps.retraining.queries import tracked_behind
from apps.tracking.queries import runs

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.tracking.models import Run

MOST_EVENTS = 2_000  # of one run: who tells more tells nothing new
MOST_KEPT = 2_000  # data sets of one run


@dataclass(frozen=True)
class Heard:
    """`new` is False for an event that was there already."""

    told_run: ToldRun
    new: bool


@transaction.atomic
def tell(*, actor: User, told: Told) -> Heard:
    """Keeps what the event says, once, and finds the run of ours that it is about; one that nobody finds is kept too.

    Raises Conflict for a run that has told more than anybody reads.
    """
    ours = _ours(actor, told)
    require(actor, "lineage.tell", ours)
    found, _ = ToldRun.objects.get_or_create(key=told.key, told_by=actor, defaults=_first(told))
    locked = ToldRun.objects.select_for_update(no_key=True).get(pk=found.pk)
    if locked.events.filter(digest=told.digest).exists():
        return Heard(locked, new=False)
    if locked.events.count() >= MOST_EVENTS:
        raise Conflict(f"This run has told {MOST_EVENTS} events already; no more are kept.")
    ToldEvent.objects.create(told_run=locked, digest=told.digest)
    _write(locked, told, ours)
    _write_datasets(locked, told)
    _tell_below(locked)
    return Heard(locked, new=True)


def _first(told: Told) -> dict[str, object]:
    return {"namespace": told.namespace, "job": told.job, "state": told.type, "last_at": told.at}


def _write(kept: ToldRun, told: Told, ours: Run | None) -> None:
    """Facts add up; of two that differ the later one said counts. Events may come late and out of order."""
    if told.at >= kept.last_at:
        kept.state, kept.last_at = told.type, told.at
    if told.type == "START":
        kept.started_at = min(kept.started_at or told.at, told.at)
    if told.ends:
        kept.ended_at = max(kept.ended_at or told.at, told.at)
    kept.run = kept.run or ours
    kept.above = [str(key) for key in told.above] or kept.above
    for name in ("producer", "outside_id", "commit", "repository", "error"):
        setattr(kept, name, getattr(told, name) or getattr(kept, name))
    kept.save()


def _write_datasets(kept: ToldRun, told: Told) -> None:
    room = max(0, MOST_KEPT - kept.datasets.count())
    sides = ((ToldDataset.Role.INPUT, told.inputs), (ToldDataset.Role.OUTPUT, told.outputs))
    rows = [
        ToldDataset(
            told_run=kept,
            role=role,
            place=one.place,
            namespace=one.namespace,
            name=one.name,
            kind=one.kind,
            version=one.version,
            address=one.address,
            fields=[list(column) for column in one.fields],
        )
        for role, side in sides
        for one in side
    ]
    if len(rows) > room:
        known = set(kept.datasets.values_list("role", "place"))
        rows = [row for row in rows if (row.role, row.place) in known]
    ToldDataset.objects.bulk_create(
        rows,
        batch_size=MOST_DATASETS,
        update_conflicts=True,
        unique_fields=["told_run", "role", "place"],
        update_fields=["kind", "version", "address", "fields"],
    )


def _ours(actor: User, told: Told) -> Run | None:
    """The run of ours that the event is about, or that what it is about is part of; None for one not for this actor."""
    ids = [run_id for run_id in _candidates(actor, told) if run_id]
    found = {run.pk: run for run in runs(actor).select_related("experiment__team").filter(pk__in=ids)}
    mine = (found[run_id] for run_id in ids if run_id in found)
    return next((run for run in mine if allowed(actor, "lineage.tell", run)), None)


def _candidates(actor: User, told: Told) -> Iterator[str]:
    """Ids, the surest first: its own, a DAG run of ours, what it is part of, and what that was about."""
    yield from told.run_ids
    if told.outside_id and (behind := tracked_behind(told.outside_id)):
        yield behind
    yield from (key.hex for key in told.above)
    above = ToldRun.objects.filter(key__in=told.above, told_by=actor, run__isnull=False)
    yield from above.values_list("run_id", flat=True)


def _tell_below(kept: ToldRun) -> None:
    """What came before the run that it is part of is found now."""
    if kept.run_id:
        below = ToldRun.objects.filter(above__contains=[str(kept.key)], told_by=kept.told_by_id, run=None)
        below.update(run=kept.run_id)
