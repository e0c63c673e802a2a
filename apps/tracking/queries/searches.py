"""Searches: conditions and an order that a door has read, as one statement each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.fields.json import KeyTextTransform

from apps.core.errors import Invalid
from apps.core.search import Condition, Order, compare
from apps.tracking.models import (
    Experiment,
    ExperimentQuerySet,
    ExperimentTag,
    LoggedModel,
    LoggedModelMetric,
    LoggedModelParam,
    LoggedModelQuerySet,
    LoggedModelTag,
    Metric,
    Param,
    Run,
    RunInput,
    RunQuerySet,
    Tag,
)

if TYPE_CHECKING:
    from apps.accounts.models import User

RUN_COLUMNS = {
    "run_id": "pk",
    "run_name": "name",
    "user_id": "user__username",
    "status": "status",
    "start_time": "started_at",
    "end_time": "ended_at",
}
RUN_NAME_TAG = "mlflow.runName"
"""MLflow keeps a run's name twice; here it is the run's name, whichever way it is asked for."""
EXPERIMENT_COLUMNS = {
    "experiment_id": "pk",
    "name": "name",
    "creation_time": "created_at",
    "last_update_time": "updated_at",
}
MODEL_COLUMNS = {
    "model_id": "pk",
    "name": "name",
    "model_type": "kind",
    "status": "status",
    "source_run_id": "run_id",
    "experiment_id": "experiment_id",
    "creation_timestamp_ms": "created_at",
    "last_updated_timestamp_ms": "updated_at",
}
CONTEXT = "mlflow.data.context"


def search_runs(
    actor: User, *, experiments: Iterable[int], where: Sequence[Condition], order: Sequence[Order]
) -> RunQuerySet:
    """Deleted runs are among them; the newest first where the order leaves it open."""
    found = Run.objects.visible_to(actor).filter(experiment__in=list(experiments))
    found = found.select_related("user").prefetch_related("params", "tags", "inputs__dataset", "model_links")
    for at, condition in enumerate(where):
        found = _runs_where(found, condition, f"condition_{at}")
    return _ordered_runs(found, order)


def _runs_where(found: RunQuerySet, condition: Condition, name: str) -> RunQuerySet:
    if condition.entity == "metric":
        annotated = found.annotate(**{name: _latest(condition.key)})
        return annotated.filter(_number(name, condition.comparator, condition.value))
    if condition.entity == "attribute" or (condition.entity == "tag" and condition.key == RUN_NAME_TAG):
        return found.filter(_attribute(RUN_COLUMNS, condition))
    if condition.entity == "dataset":
        return found.filter(_with_dataset(condition))
    return found.filter(_labelled(Tag if condition.entity == "tag" else Param, "run", condition))


def _attribute(columns: dict[str, str], condition: Condition) -> Q:
    key = "run_name" if condition.key == RUN_NAME_TAG else condition.key
    if condition.comparator in ("IS NULL", "IS NOT NULL"):  # of the tag that repeats the name
        return Q(pk__isnull=condition.comparator == "IS NULL")
    if key not in columns:
        raise Invalid(f"The portal does not search by {key!r}; search by one of {', '.join(columns)}.")
    return compare(columns[key], condition.comparator, condition.value)


def _latest(key: str) -> Subquery:
    """The latest value of the metric; one index probe a run."""
    points = Metric.objects.filter(run=OuterRef("pk"), key=key).order_by("-step", "-timestamp", "-value")
    return Subquery(points.values("value")[:1])


def _number(column: str, comparator: str, value: float) -> Q:
    """NaN is unequal to everything and meets no other comparison; PostgreSQL would call it the greatest number."""
    if comparator == "!=":
        return compare(column, comparator, value)
    return compare(column, comparator, value) & ~Q(**{column: math.nan})


def _labelled(kind: Any, owner: str, condition: Condition) -> Any:
    """Parameters and tags; `!=` means that there is one, and that it is another."""
    there = kind.objects.filter(**{owner: OuterRef("pk"), "key": condition.key})
    if condition.comparator == "IS NULL":
        return ~Exists(there)
    if condition.comparator == "IS NOT NULL":
        return Exists(there)
    return Exists(there.filter(compare("value", condition.comparator, condition.value)))


def _with_dataset(condition: Condition) -> Exists:
    inputs = RunInput.objects.filter(run=OuterRef("pk"))
    if condition.key == "context":
        inputs = inputs.annotate(context=KeyTextTransform(CONTEXT, "tags"))
        return Exists(inputs.filter(compare("context", condition.comparator, condition.value)))
    return Exists(inputs.filter(compare(f"dataset__{condition.key}", condition.comparator, condition.value)))


def _ordered_runs(found: RunQuerySet, order: Sequence[Order]) -> RunQuerySet:
    keys: list[Any] = []
    for at, one in enumerate(order):
        name = f"order_{at}"
        found = found.annotate(**{name: _run_value(one), f"{name}_last": _absent_last(name, one)})
        keys += [f"{name}_last", name if one.ascending else f"-{name}"]
    newest = [] if any(one.key == "start_time" for one in order) else ["-started_at"]
    return found.order_by(*keys, *newest, "pk")


def _run_value(order: Order) -> Any:
    if order.entity == "metric":
        return _latest(order.key)
    if order.entity == "attribute" or order.key == RUN_NAME_TAG:
        return F(RUN_COLUMNS.get("run_name" if order.key == RUN_NAME_TAG else order.key, "pk"))
    kind: Any = {"tag": Tag, "parameter": Param}.get(order.entity)
    if kind is None:
        raise Invalid(f"Invalid identifier type '{order.entity}'")
    return Subquery(kind.objects.filter(run=OuterRef("pk"), key=order.key).values("value")[:1])


def _absent_last(name: str, order: Order) -> Case:
    """Values first, then NaN, then what has none: whichever way the order goes."""
    no_number = [When(**{name: math.nan}, then=Value(1))] if order.entity == "metric" else []
    absent = When(**{f"{name}__isnull": True}, then=Value(2))
    return Case(absent, *no_number, default=Value(0), output_field=IntegerField())


def search_experiments(actor: User, *, where: Sequence[Condition], order: Sequence[Order]) -> ExperimentQuerySet:
    """Deleted ones are among them; the newest first where no order is given."""
    found = Experiment.objects.visible_to(actor).select_related("team").prefetch_related("tags")
    for condition in where:
        labelled = condition.entity == "tag"
        found = found.filter(
            _labelled(ExperimentTag, "experiment", condition) if labelled else _attribute(EXPERIMENT_COLUMNS, condition)
        )
    keys = [_signed(EXPERIMENT_COLUMNS[one.key], one) for one in order] or ["-created_at", "pk"]
    return found.order_by(*keys, *([] if "pk" in " ".join(keys) else ["-pk"]))


def _signed(column: str, order: Order) -> str:
    return column if order.ascending else f"-{column}"


def search_logged_models(
    actor: User,
    *,
    experiments: Iterable[int],
    where: Sequence[Condition],
    datasets: Sequence[tuple[str, str]],
    order: Sequence[tuple[Order, str, str]],
) -> LoggedModelQuerySet:
    """`datasets` are names with digests, empty for any: metrics count only on those. An order names a data set too."""
    found = LoggedModel.objects.visible_to(actor).filter(experiment__in=list(experiments), deleted_at=None)
    found = found.select_related("user").prefetch_related("tags", "params", "metrics")
    for condition in where:
        found = found.filter(_model_where(condition, datasets))
    if datasets and not any(condition.entity == "metric" for condition in where):
        found = found.filter(Exists(_model_points(datasets)))
    return _ordered_models(found, order)


def _model_where(condition: Condition, datasets: Sequence[tuple[str, str]]) -> Any:
    if condition.entity == "metric":
        points = _model_points(datasets).filter(key=condition.key)
        return Exists(points.filter(_number("value", condition.comparator, condition.value)))
    if condition.entity == "attribute":
        return _attribute(MODEL_COLUMNS, condition)
    kind = LoggedModelTag if condition.entity == "tag" else LoggedModelParam
    return _labelled(kind, "model", condition)


def _model_points(datasets: Sequence[tuple[str, str]]) -> QuerySet[LoggedModelMetric]:
    points = LoggedModelMetric.objects.filter(model=OuterRef("pk"))
    wanted = Q()
    for name, digest in datasets:
        wanted |= Q(dataset_name=name, dataset_digest=digest) if digest else Q(dataset_name=name)
    return points.filter(wanted)


def _ordered_models(found: LoggedModelQuerySet, order: Sequence[tuple[Order, str, str]]) -> LoggedModelQuerySet:
    keys: list[Any] = []
    for at, (one, dataset, digest) in enumerate(order):
        name = f"order_{at}"
        found = found.annotate(**{name: _model_value(one, dataset, digest), f"{name}_last": _absent_last(name, one)})
        keys += [f"{name}_last", name if one.ascending else f"-{name}"]
    named = {one.key for one, _, _ in order if one.entity == "attribute"}
    newest = [] if "creation_timestamp_ms" in named else ["-created_at"]
    return found.order_by(*keys, *newest, "pk")


def _model_value(order: Order, dataset: str, digest: str) -> Any:
    if order.entity == "attribute":
        return F(MODEL_COLUMNS[order.key])
    points = _model_points([(dataset, digest)] if dataset else []).filter(key=order.key)
    return Subquery(points.order_by("-timestamp", "-step", "run_id").values("value")[:1])
