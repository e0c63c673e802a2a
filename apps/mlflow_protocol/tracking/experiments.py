"""Experiments."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from apps.core.errors import Invalid
from apps.core.search import Condition
from apps.mlflow_protocol import grammar
from apps.mlflow_protocol.endpoints import Body, Call, Endpoint
from apps.mlflow_protocol.fields import choice, integer, pairs, text, texts
from apps.mlflow_protocol.words import by_key, from_ms, to_ms, without_empty
from apps.mlflow_protocol.words import pairs as as_pairs
from apps.tracking import actions, queries

if TYPE_CHECKING:
    from apps.tracking.models import Experiment

NOBODY_S = ("0", "")
"""MLflow's id of the experiment of runs that name none."""
DEFAULT_NAME = "Default"
NUMBER = re.compile(r"-?\d+", re.ASCII)
_NO_ID = "Invalid experiment ID '{}'. Experiment ID must be a valid integer."
MOST = 50_000
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


VIEWS = {1: "ACTIVE_ONLY", 2: "DELETED_ONLY", 3: "ALL"}
GRAMMAR = grammar.Grammar(
    entities=grammar.spellings(attribute=["attributes", "attr"], tag=["tags"]),
    attributes=("name", "experiment_id", "creation_time", "last_update_time"),
    ordered=("name", "experiment_id", "creation_time", "last_update_time"),
    numeric=frozenset({"creation_time", "last_update_time"}),
    listed=frozenset({"experiment_id"}),
    comparators={
        "attribute": (*grammar.TEXTUAL, *grammar.LISTED),
        "number attribute": grammar.NUMERIC,
        "tag": (*grammar.TEXTUAL, *grammar.UNSET),
    },
    aliases={},
)


def experiment_of(call: Call, experiment_id: str) -> Experiment:
    """By id; for MLflow's "0" that of the caller's team. Raises Missing, Invalid for what is no number."""
    if experiment_id in NOBODY_S:
        experiment_id = str(actions.default_experiment(actor=call.actor).pk)
    if not NUMBER.fullmatch(experiment_id):
        raise Invalid(_NO_ID.format(experiment_id), field="experiment_id")
    return queries.experiment(actor=call.actor, pk=experiment_id)


def ids_of(call: Call, experiment_ids: list[str]) -> list[int]:
    """Numbers of experiments; MLflow's "0" is that of the caller's team. Raises Invalid for what is no number."""
    if odd := [one for one in experiment_ids if not NUMBER.fullmatch(one)]:
        raise Invalid(_NO_ID.format(odd[0]), field="experiment_ids")
    known = [str(actions.default_experiment(actor=call.actor).pk) if one == "0" else one for one in experiment_ids]
    return [int(one) for one in known if len(one) < 19]


def shown(call: Call, experiment: Experiment) -> Body:
    return without_empty(
        {
            "experiment_id": str(experiment.pk),
            "name": experiment.name,
            "artifact_location": f"{call.home}{ARTIFACTS}/{experiment.pk}",
            "lifecycle_stage": experiment.stage,
            "creation_time": to_ms(experiment.created_at),
            "last_update_time": to_ms(experiment.updated_at),
            "tags": as_pairs(experiment.tags.all()),
        }
    )


def create(call: Call) -> Body:
    """Files are kept by the portal, so a place of one's own is refused."""
    if call["artifact_location"]:
        raise Invalid(
            "The portal keeps the files of runs itself; create the experiment without 'artifact_location'.",
            field="artifact_location",
        )
    made = actions.create_experiment(actor=call.actor, name=call["name"], tags=by_key(call["tags"]))
    return {"experiment_id": str(made.pk)}


def get(call: Call) -> Body:
    return {"experiment": shown(call, experiment_of(call, call["experiment_id"]))}


def get_by_name(call: Call) -> Body:
    if call["experiment_name"] == DEFAULT_NAME:
        return {"experiment": shown(call, experiment_of(call, "0"))}
    return {"experiment": shown(call, queries.experiment_named(actor=call.actor, name=call["experiment_name"]))}


def search(call: Call) -> Body:
    most, offset = page_of(call["max_results"], call["page_token"])
    where = [_in_our_terms(one) for one in grammar.parse_filter(call["filter"], GRAMMAR)]
    order = grammar.parse_order(call["order_by"], GRAMMAR)
    if tagged := [one.entity for one in order if one.entity != "attribute"]:
        raise Invalid(f"Invalid order_by entity: {tagged[0]}")
    found = of_view(queries.search_experiments(call.actor, where=where, order=order), call["view_type"])
    rows = list(found[offset : offset + most + 1])
    return paged("experiments", [shown(call, row) for row in rows[:most]], len(rows) > most, offset + most)


def update(call: Call) -> Body:
    experiment = experiment_of(call, call["experiment_id"])
    actions.rename_experiment(actor=call.actor, experiment=experiment, name=call["new_name"])
    return {}


def delete(call: Call) -> Body:
    actions.delete_experiment(actor=call.actor, experiment=experiment_of(call, call["experiment_id"]))
    return {}


def restore(call: Call) -> Body:
    actions.restore_experiment(actor=call.actor, experiment=experiment_of(call, call["experiment_id"]))
    return {}


def set_tag(call: Call) -> Body:
    experiment = experiment_of(call, call["experiment_id"])
    actions.tag_experiment(actor=call.actor, experiment=experiment, key=call["key"], value=call["value"])
    return {}


def delete_tag(call: Call) -> Body:
    experiment = experiment_of(call, call["experiment_id"])
    actions.untag_experiment(actor=call.actor, experiment=experiment, key=call["key"])
    return {}


def page_of(max_results: int, token: str) -> tuple[int, int]:
    """How many and from where. Raises Invalid in MLflow's words."""
    if max_results < 1:
        raise Invalid(
            f"Invalid value {max_results} for parameter 'max_results' supplied. It must be a positive integer"
        )
    if max_results > MOST:
        raise Invalid(f"Invalid value {max_results} for parameter 'max_results' supplied. It must be at most {MOST}")
    return max_results, grammar.parse_token(token)


def of_view(found: Any, view: str | None) -> Any:
    """Active ones unless deleted ones are wanted."""
    if view == "ALL":
        return found
    return found.filter(deleted_at__isnull=view != "DELETED_ONLY")


def paged(name: str, rows: list[Body], more: bool, offset: int) -> Body:
    return without_empty({name: rows, "next_page_token": grammar.page_token(offset) if more else ""})


def _in_our_terms(condition: Condition) -> Condition:
    """Times as times, ids as numbers."""
    if condition.key in GRAMMAR.numeric and condition.entity == "attribute":
        return replace(condition, value=from_ms(condition.value, field=condition.key))
    if condition.key != "experiment_id" or condition.entity != "attribute":
        return condition
    if condition.comparator not in ("=", "!=", "IN", "NOT IN"):
        raise Invalid(f"Invalid comparator for experiment_id: {condition.comparator}")
    if isinstance(condition.value, tuple):
        return replace(condition, value=tuple(map(_id, condition.value)))
    return replace(condition, value=_id(condition.value))


def _id(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise Invalid(_NO_ID.format(value))
    return int(value)


SEARCHED = (
    integer("max_results", default=1_000),
    text("page_token"),
    text("filter"),
    texts("order_by"),
    choice("view_type", VIEWS),
)
IDENTIFIED = text("experiment_id", required=True)
ENDPOINTS = (
    Endpoint(
        "POST",
        "mlflow/experiments/create",
        create,
        (text("name", required=True), text("artifact_location"), pairs("tags")),
    ),
    Endpoint("GET", "mlflow/experiments/get", get, (IDENTIFIED,), reads=True, in_run=True),
    Endpoint(
        "GET",
        "mlflow/experiments/get-by-name",
        get_by_name,
        (text("experiment_name", required=True),),
        reads=True,
        in_run=True,
    ),
    Endpoint("POST", "mlflow/experiments/search", search, SEARCHED, reads=True),
    Endpoint("GET", "mlflow/experiments/search", search, SEARCHED, reads=True),
    Endpoint("POST", "mlflow/experiments/update", update, (IDENTIFIED, text("new_name", required=True))),
    Endpoint("POST", "mlflow/experiments/delete", delete, (IDENTIFIED,)),
    Endpoint("POST", "mlflow/experiments/restore", restore, (IDENTIFIED,)),
    Endpoint(
        "POST",
        "mlflow/experiments/set-experiment-tag",
        set_tag,
        (IDENTIFIED, text("key", required=True), text("value")),
    ),
    Endpoint("POST", "mlflow/experiments/delete-experiment-tag", delete_tag, (IDENTIFIED, text("key", required=True))),
)
