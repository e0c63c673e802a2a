"""Rows that several verbs write; whoever calls has asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from apps.core.errors import Missing
from apps.tracking.models import LoggedModel, LoggedModelMetric, Run, Tag
from apps.tracking.names import check_length, check_text
from apps.tracking.points import Point


def write_tags(run: Run, tags: Mapping[str, str]) -> None:
    """Sets them, whatever they were before."""
    # In one order everywhere, so that two writers of the same keys can not wait for each other.
    rows = [Tag(run=run, key=key, value=tags[key]) for key in sorted(tags)]
    Tag.objects.bulk_create(rows, update_conflicts=True, unique_fields=["run", "key"], update_fields=["value"])


def models_of(run: Run, ids: Iterable[str]) -> dict[str, LoggedModel]:
    """The logged models of these ids in the run's experiment. Raises Missing naming one that is not there."""
    wanted = set(ids)
    there = LoggedModel.objects.filter(experiment=run.experiment_id, deleted_at=None) if wanted else None
    known = there.in_bulk([pk for pk in wanted if "\0" not in pk]) if there is not None else {}
    if absent := sorted(wanted - known.keys()):
        raise Missing(f"Logged model with ID '{absent[0]}' not found.")
    return known


def write_model_points(run: Run, points: Sequence[Point]) -> None:
    """What the run reported about logged models; the same point twice is stored once."""
    known = models_of(run, {point.model for point in points})
    rows = [
        LoggedModelMetric(
            model=known[point.model],
            run=run,
            key=point.key,
            value=point.value,
            step=point.step,
            timestamp=point.at,
            dataset_name=check_length(check_text(point.dataset_name, path="dataset_name"), 500, called="dataset_name"),
            dataset_digest=check_length(
                check_text(point.dataset_digest, path="dataset_digest"), 36, called="dataset_digest"
            ),
        )
        for point in sorted(points, key=lambda point: (point.model, point.key, point.at, point.step))
    ]
    LoggedModelMetric.objects.bulk_create(rows, ignore_conflicts=True)
