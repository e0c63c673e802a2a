"""Logged models."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from apps.core.errors import Invalid
from apps.core.search import Condition, Order
from apps.mlflow_protocol import grammar
from apps.mlflow_protocol.endpoints import Body, Call, Endpoint
from apps.mlflow_protocol.fields import choice, flag, integer, pairs, rows, text, texts
from apps.mlflow_protocol.tracking.experiments import ARTIFACTS, experiment_of, ids_of, page_of, paged
from apps.mlflow_protocol.words import by_key, from_ms, number, to_ms, without_empty
from apps.mlflow_protocol.words import pairs as as_pairs
from apps.tracking import actions, queries

if TYPE_CHECKING:
    from apps.tracking.models import LoggedModel, LoggedModelMetric

STATUSES = {1: "LOGGED_MODEL_PENDING", 2: "LOGGED_MODEL_READY", 3: "LOGGED_MODEL_UPLOAD_FAILED"}
LARGEST_PAGE = 1_000
TIMES = ("creation_timestamp_ms", "last_updated_timestamp_ms")
OTHER_WORDS = {
    "creation_time": "creation_timestamp_ms",
    "creation_timestamp": "creation_timestamp_ms",
    "last_updated_timestamp": "last_updated_timestamp_ms",
}
ATTRIBUTES = ("model_id", "name", "model_type", "status", "source_run_id", "experiment_id", *TIMES, *OTHER_WORDS)
GRAMMAR = grammar.Grammar(
    entities=grammar.spellings(attribute=["attributes"], metric=["metrics"], parameter=["params"], tag=["tags"]),
    attributes=ATTRIBUTES,
    ordered=ATTRIBUTES,
    numeric=frozenset({*TIMES, *OTHER_WORDS}),
    listed=frozenset({"model_id", "name", "model_type", "status", "source_run_id", "experiment_id"}),
    comparators={
        "attribute": (*grammar.TEXTUAL, *grammar.LISTED),
        "number attribute": grammar.NUMERIC,
        "metric": grammar.NUMERIC,
        "parameter": (*grammar.TEXTUAL, *grammar.LISTED),
        "tag": (*grammar.TEXTUAL, *grammar.LISTED),
    },
    aliases=OTHER_WORDS,
)


def model_of(call: Call) -> LoggedModel:
    """Raises Missing."""
    return queries.logged_model(actor=call.actor, pk=call["model_id"])


def shown(call: Call, model: LoggedModel) -> Body:
    return {"info": _info(call, model), "data": _data(model)}


def _info(call: Call, model: LoggedModel) -> Body:
    return without_empty(
        {
            "model_id": model.pk,
            "experiment_id": str(model.experiment_id),
            "name": model.name,
            "creation_timestamp_ms": to_ms(model.created_at),
            "last_updated_timestamp_ms": to_ms(model.updated_at),
            "artifact_uri": f"{call.home}{ARTIFACTS}/{model.experiment_id}/models/{model.pk}/artifacts",
            "status": model.status,
            "model_type": model.kind,
            "source_run_id": model.run_id,
            "status_message": model.status_message,
            "tags": as_pairs(model.tags.all()),
        }
    )


def _data(model: LoggedModel) -> Body:
    metrics = [_point(point) for point in model.metrics.all()]
    return without_empty({"params": as_pairs(model.params.all()), "metrics": metrics})


def _point(point: LoggedModelMetric) -> Body:
    return without_empty(
        {
            "key": point.key,
            "value": number(point.value),
            "timestamp": to_ms(point.timestamp),
            "step": point.step,
            "dataset_name": point.dataset_name,
            "dataset_digest": point.dataset_digest,
            "model_id": point.model_id,
            "run_id": point.run_id,
        }
    )


def create(call: Call) -> Body:
    run = queries.run(actor=call.actor, run_id=call["source_run_id"]) if call["source_run_id"] else None
    made = actions.create_logged_model(
        actor=call.actor,
        experiment=experiment_of(call, call["experiment_id"]),
        run=run,
        name=call["name"] or f"model-{secrets.token_hex(4)}",
        kind=call["model_type"],
        params=by_key(call["params"]),
        tags=by_key(call["tags"]),
    )
    return {"model": shown(call, queries.logged_model(actor=call.actor, pk=made.pk))}


def get(call: Call) -> Body:
    found = queries.logged_model(actor=call.actor, pk=call["model_id"], deleted=call["allow_deleted"])
    return {"model": shown(call, found)}


def finalize(call: Call) -> Body:
    model = actions.finalize_logged_model(actor=call.actor, model=model_of(call), status=call["status"])
    return {"model": shown(call, model)}


def delete(call: Call) -> Body:
    """Again as often as one likes."""
    model = queries.logged_model(actor=call.actor, pk=call["model_id"], deleted=True)
    actions.delete_logged_model(actor=call.actor, model=model)
    return {}


def set_tags(call: Call) -> Body:
    actions.tag_logged_model(actor=call.actor, model=model_of(call), tags=by_key(call["tags"]))
    return {}


def delete_tag(call: Call) -> Body:
    actions.untag_logged_model(actor=call.actor, model=model_of(call), key=call["tag_key"])
    return {}


def log_params(call: Call) -> Body:
    actions.log_model_params(actor=call.actor, model=model_of(call), params=by_key(call["params"]))
    return {}


def search(call: Call) -> Body:
    most, offset = page_of(call["max_results"] or 50, call["page_token"])
    most = min(most, LARGEST_PAGE)
    datasets = [(one["dataset_name"], one["dataset_digest"]) for one in call["datasets"]]
    if not all(name for name, _ in datasets):
        raise Invalid("`dataset_name` in the `datasets` clause must be specified.")
    found = queries.search_logged_models(
        call.actor,
        experiments=ids_of(call, call["experiment_ids"]),
        where=[_in_our_terms(one) for one in grammar.parse_filter(call["filter"], GRAMMAR)],
        datasets=datasets,
        order=[(_order(one), one["dataset_name"], one["dataset_digest"]) for one in call["order_by"]],
    )
    rows = list(found[offset : offset + most + 1])
    return paged("models", [shown(call, row) for row in rows[:most]], len(rows) > most, offset + most)


def _in_our_terms(condition: Condition) -> Condition:
    """Times as times, ids as numbers."""
    if condition.entity != "attribute":
        return condition
    if condition.key in TIMES:
        return replace(condition, value=from_ms(condition.value, field=condition.key))
    if condition.key == "experiment_id":
        if condition.comparator not in ("=", "!="):
            raise Invalid(f"Invalid comparator for experiment_id: {condition.comparator}")
        return replace(condition, value=int(condition.value) if condition.value.isdigit() else 0)
    return condition


def _order(sent: Mapping[str, Any]) -> Order:
    entity, dot, key = sent["field_name"].partition(".")
    if not dot:
        key = OTHER_WORDS.get(entity, entity)
        if key not in ATTRIBUTES:
            raise Invalid(f"Invalid order by field name: {entity}")
        return Order("attribute", key, sent["ascending"])
    if entity != "metrics":
        raise Invalid(f"Invalid order by field name: {sent['field_name']}. Only metrics are supported.")
    return Order("metric", key, sent["ascending"])


MODEL = text("model_id", required=True)
ENDPOINTS = (
    Endpoint(
        "POST",
        "mlflow/logged-models",
        create,
        (
            text("experiment_id", required=True),
            text("name"),
            text("model_type"),
            text("source_run_id"),
            pairs("params"),
            pairs("tags"),
        ),
        in_run=True,
    ),
    Endpoint("GET", "mlflow/logged-models/{model_id}", get, (MODEL, flag("allow_deleted")), reads=True, in_run=True),
    Endpoint(
        "PATCH",
        "mlflow/logged-models/{model_id}",
        finalize,
        (MODEL, choice("status", STATUSES, required=True)),
        in_run=True,
    ),
    Endpoint("DELETE", "mlflow/logged-models/{model_id}", delete, (MODEL,)),
    Endpoint("PATCH", "mlflow/logged-models/{model_id}/tags", set_tags, (MODEL, pairs("tags")), in_run=True),
    Endpoint(
        "DELETE",
        "mlflow/logged-models/{model_id}/tags/{tag_key}",
        delete_tag,
        (MODEL, text("tag_key", required=True)),
        in_run=True,
    ),
    Endpoint("POST", "mlflow/logged-models/{model_id}/params", log_params, (MODEL, pairs("params")), in_run=True),
    Endpoint(
        "POST",
        "mlflow/logged-models/search",
        search,
        (
            texts("experiment_ids", required=True),
            text("filter"),
            rows("datasets", text("dataset_name"), text("dataset_digest")),
            integer("max_results", default=50),
            rows(
                "order_by",
                text("field_name", required=True),
                flag("ascending", default=True),
                text("dataset_name"),
                text("dataset_digest"),
            ),
            text("page_token"),
        ),
        reads=True,
        in_run=True,
    ),
)
