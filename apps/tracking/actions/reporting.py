"""What runs report: parameters, metrics, tags, inputs. It is evidence, so nothing of it is audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from apps.core.errors import Conflict, Invalid, Missing
from apps.core.permissions import require
from apps.tracking.checking import check_active, check_keys, check_pairs
from apps.tracking.models import (
    LONGEST_TAG,
    LONGEST_VALUE,
    Dataset,
    Metric,
    Param,
    Run,
    RunInput,
    RunModel,
    Tag,
)
from apps.tracking.names import check_key, check_length, check_tags, check_text
from apps.tracking.points import Point, UsedDataset
from apps.tracking.writing import models_of, write_model_points, write_tags

if TYPE_CHECKING:
    from apps.accounts.models import User

STEPS = range(-(2**63), 2**63)
DATASET_LIMITS = {
    "name": 500,
    "digest": 36,
    "source_type": 36,
    "source": 65_535,
    "schema": 1_048_575,
    "profile": 16_777_215,
}


@transaction.atomic
def log_params(*, actor: User, run: Run, params: Mapping[str, str]) -> None:
    """Writes what is not there yet. Raises Conflict if one has another value already: parameters don't change."""
    require(actor, "tracking.write_run", run)
    check_pairs("params", params)
    # In one order everywhere, so that two writers of the same keys can not wait for each other.
    rows = [Param(run=run, key=key, value=params[key]) for key in sorted(params)]
    Param.objects.bulk_create(rows, ignore_conflicts=True)
    stored = dict(Param.objects.filter(run=run, key__in=params).values_list("key", "value"))
    if changed := sorted(key for key in params if stored[key] != params[key]):
        raise Conflict(f"The parameter {changed[0]!r} is {stored[changed[0]]!r} already and does not change.")


@transaction.atomic
def log_metrics(
    *, actor: User, run: Run, metrics: Mapping[str, float], step: int = 0, at: datetime | None = None
) -> None:
    """One point per key; NaN and infinite values are kept. The same point twice is stored once."""
    require(actor, "tracking.write_run", run)
    check_keys("metrics", metrics)
    if step not in STEPS:
        raise Invalid("A step is a 64-bit integer.", field="step")
    when = {"timestamp": at} if at else {}
    rows = [Metric(run=run, key=key, value=_number(key, metrics[key]), step=step, **when) for key in sorted(metrics)]
    Metric.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def log_batch(
    *,
    actor: User,
    run: Run,
    points: Sequence[Point] = (),
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    alone: bool = False,
) -> None:
    """All of it or nothing. `alone`: the one thing in it was sent as such, which the sentences say.

    Raises Invalid for a key MLflow would not take and for a parameter that has another value already, Missing for a
    logged model that is not there.
    """
    require(actor, "tracking.write_run", run)
    check_active(run)
    params, tags = params or {}, tags or {}
    _check_points(points, alone)
    _check_params(params, alone)
    kept = check_tags(tags, LONGEST_TAG, path="" if alone else "tags")
    _write_params(run, {key: value[:LONGEST_VALUE] for key, value in params.items()}, alone)
    _write_points(run, points)
    write_model_points(run, [point for point in points if point.model])
    write_tags(run, kept)


@transaction.atomic
def delete_tag(*, actor: User, run: Run, key: str) -> None:
    """Raises Missing for a tag that is not there."""
    require(actor, "tracking.write_run", run)
    check_active(run)
    if not Tag.objects.filter(run=run, key=key.replace("\0", "")).delete()[0]:
        raise Missing(f"No tag with name: {key} in run with id {run.pk}")


@transaction.atomic
def log_inputs(*, actor: User, run: Run, datasets: Sequence[UsedDataset] = (), models: Sequence[str] = ()) -> None:
    """The data sets and logged models that the run used; the first naming of each counts."""
    require(actor, "tracking.write_run", run)
    check_active(run)
    _check_datasets(datasets)
    for used in {(used.name, used.digest): used for used in reversed(datasets)}.values():
        facts = {"source_type": used.source_type, "source": used.source, "schema": used.schema, "profile": used.profile}
        dataset, _ = Dataset.objects.get_or_create(
            experiment_id=run.experiment_id, name=used.name, digest=used.digest, defaults=facts
        )
        RunInput.objects.get_or_create(run=run, dataset=dataset, defaults={"tags": dict(used.tags)})
    _link(run, RunModel.Role.INPUT, dict.fromkeys(models, 0))


@transaction.atomic
def log_outputs(*, actor: User, run: Run, models: Mapping[str, int]) -> None:
    """The logged models that the run made, each with its step."""
    require(actor, "tracking.write_run", run)
    check_active(run)
    _link(run, RunModel.Role.OUTPUT, models)


def _link(run: Run, role: str, models: Mapping[str, int]) -> None:
    known = models_of(run, models)
    rows = [RunModel(run=run, model=known[pk], role=role, step=models[pk]) for pk in sorted(models)]
    RunModel.objects.bulk_create(rows, ignore_conflicts=True)


def _check_points(points: Sequence[Point], alone: bool) -> None:
    for at, point in enumerate(points):
        check_key(point.key, path="name" if alone else f"metrics[{at}].name", called="Metric name")


def _check_params(params: Mapping[str, str], alone: bool) -> None:
    for at, (key, value) in enumerate(params.items()):
        check_text(value, path=check_key(key, path="key" if alone else f"params[{at}].key", called="Param key"))


def _check_datasets(datasets: Sequence[UsedDataset]) -> None:
    for used in datasets:
        for name, most in DATASET_LIMITS.items():
            check_length(check_text(getattr(used, name), path=name), most, called=name)


def _write_points(run: Run, points: Sequence[Point]) -> None:
    rows = [Metric(run=run, key=point.key, value=point.value, step=point.step, timestamp=point.at) for point in points]
    # In one order everywhere, so that two writers of the same points can not wait for each other.
    rows.sort(key=lambda row: (row.key, row.step, row.timestamp))
    Metric.objects.bulk_create(rows, ignore_conflicts=True)


def _write_params(run: Run, params: Mapping[str, str], alone: bool) -> None:
    Param.objects.bulk_create(
        [Param(run=run, key=key, value=params[key]) for key in sorted(params)], ignore_conflicts=True
    )
    stored = dict(Param.objects.filter(run=run, key__in=params).values_list("key", "value")) if params else {}
    changed = [
        {"key": key, "old_value": stored[key], "new_value": value}
        for key, value in params.items()
        if stored[key] != value
    ]
    if changed:
        raise Invalid(_unchangeable(run, changed, alone))


def _unchangeable(run: Run, changed: list[dict[str, str]], alone: bool) -> str:
    if not alone:
        return f"Changing param values is not allowed. Params were already logged='{changed}' for run ID='{run.pk}'."
    only = changed[0]
    return (
        f"Changing param values is not allowed. Param with key='{only['key']}' was already logged with "
        f"value='{only['old_value']}' for run ID='{run.pk}'. Attempted logging new value '{only['new_value']}'."
    )


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"The metric {key[:60]!r} is not a number.", field=f"metrics.{key}")
    try:
        return float(value)
    except OverflowError as error:
        raise Invalid(f"The metric {key[:60]!r} is too large for a number.", field=f"metrics.{key}") from error
