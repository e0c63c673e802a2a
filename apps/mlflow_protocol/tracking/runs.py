"""Runs: what they are and how they are found."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from apps.core.errors import Invalid
from apps.core.search import Condition
from apps.mlflow_protocol import grammar
from apps.mlflow_protocol.endpoints import Body, Call, Endpoint
from apps.mlflow_protocol.fields import choice, integer, pairs, text, texts
from apps.mlflow_protocol.tracking.experiments import (
    ARTIFACTS,
    VIEWS,
    experiment_of,
    ids_of,
    of_view,
    page_of,
    paged,
)
from apps.mlflow_protocol.words import by_key, from_ms, number, to_ms, without_empty
from apps.mlflow_protocol.words import pairs as as_pairs
from apps.tracking import actions, queries
from apps.tracking.points import Point

if TYPE_CHECKING:
    from apps.tracking.models import Run, RunInput

RUN_NAME = "mlflow.runName"
STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
LARGEST_PAGE = 5_000
"""Runs of one answer; the client goes on with the page's token."""
ATTRIBUTES = ("artifact_uri", "end_time", "run_id", "run_name", "start_time", "status", "user_id")
OTHER_WORDS = {
    **dict.fromkeys(("created", "Created"), "start_time"),
    **dict.fromkeys(("run name", "Run name", "Run Name"), "run_name"),
}
GRAMMAR = grammar.Grammar(
    entities=grammar.spellings(
        metric=["metrics"],
        parameter=["parameters", "param", "params"],
        tag=["tags"],
        attribute=["attr", "attributes", "run"],
        dataset=["datasets"],
    ),
    attributes=(*ATTRIBUTES, *OTHER_WORDS),
    ordered=(*ATTRIBUTES, "created", "Created"),
    numeric=frozenset({"start_time", "end_time", "created", "Created"}),
    listed=frozenset({"run_id"}),
    comparators={
        "metric": grammar.NUMERIC,
        "parameter": (*grammar.TEXTUAL, *grammar.UNSET),
        "tag": (*grammar.TEXTUAL, *grammar.UNSET),
        "attribute": (*grammar.TEXTUAL, *grammar.LISTED),
        "number attribute": grammar.NUMERIC,
        "dataset": (*grammar.TEXTUAL, *grammar.LISTED),
    },
    aliases=OTHER_WORDS,
)


def run_of(call: Call) -> Run:
    """By `run_id`, or its older name `run_uuid`. Raises Missing."""
    return queries.run(actor=call.actor, run_id=call["run_id"])


def info(call: Call, run: Run) -> Body:
    return without_empty(
        {
            "run_id": run.pk,
            "run_uuid": run.pk,
            "run_name": run.name,
            "experiment_id": str(run.experiment_id),
            "user_id": run.user.username,
            "status": run.status,
            "start_time": to_ms(run.started_at),
            "end_time": to_ms(run.ended_at) if run.ended_at else None,
            "artifact_uri": artifacts_of(call, run),
            "lifecycle_stage": run.stage,
        }
    )


def artifacts_of(call: Call, run: Run) -> str:
    return f"{call.home}{ARTIFACTS}/{run.experiment_id}/{run.pk}/artifacts"


def shown(call: Call, runs: Iterable[Run]) -> list[Body]:
    """Each with its data, inputs and outputs."""
    runs = list(runs)
    latest = queries.latest_points([run.pk for run in runs])
    return [_whole(call, run, latest.get(run.pk, [])) for run in runs]


def _whole(call: Call, run: Run, latest: Sequence[Point]) -> Body:
    tags = [*as_pairs(run.tags.all()), {"key": RUN_NAME, "value": run.name}]
    data = {"metrics": [point(one) for one in latest], "params": as_pairs(run.params.all()), "tags": tags}
    links = run.model_links.all()
    inputs = {
        "dataset_inputs": [dataset(one) for one in run.inputs.all()],
        "model_inputs": [{"model_id": link.model_id} for link in links if link.role == "input"],
    }
    outputs = [{"model_id": link.model_id, "step": link.step} for link in links if link.role == "output"]
    return {
        "info": info(call, run),
        "data": without_empty(data),
        "inputs": without_empty(inputs),
        "outputs": without_empty({"model_outputs": outputs}),
    }


def point(one: Point) -> Body:
    return {"key": one.key, "value": number(one.value), "timestamp": to_ms(one.at), "step": one.step}


def dataset(used: RunInput) -> Body:
    named = used.dataset
    facts = {"name": named.name, "digest": named.digest, "source_type": named.source_type, "source": named.source}
    return without_empty(
        {
            "tags": [{"key": key, "value": value} for key, value in used.tags.items()],
            "dataset": without_empty({**facts, "schema": named.schema, "profile": named.profile}),
        }
    )


def create(call: Call) -> Body:
    tags = by_key(call["tags"])
    named = tags.pop(RUN_NAME, "")
    if call["run_name"] and named and call["run_name"] != named:
        raise Invalid(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
            f"(run_name='{call['run_name']}', mlflow.runName='{named}')."
        )
    experiment = experiment_of(call, call["experiment_id"])
    at = from_ms(call["start_time"], field="start_time") if call["start_time"] else None
    name = call["run_name"] or named or f"run-{secrets.token_hex(4)}"
    run = actions.create_run(actor=call.actor, experiment=experiment, name=name, tags=tags, at=at)
    return {"run": _read_again(call, run.pk)}


def get(call: Call) -> Body:
    return {"run": _read_again(call, run_of(call).pk)}


def _read_again(call: Call, run_id: str) -> Body:
    return shown(call, [queries.whole_run(actor=call.actor, run_id=run_id)])[0]


def update(call: Call) -> Body:
    ended_at = from_ms(call["end_time"], field="end_time") if call["end_time"] is not None else None
    run = actions.update_run(
        actor=call.actor, run=run_of(call), status=call["status"], ended_at=ended_at, name=call["run_name"]
    )
    return {"run_info": info(call, run)}


def delete(call: Call) -> Body:
    actions.delete_run(actor=call.actor, run=run_of(call))
    return {}


def restore(call: Call) -> Body:
    actions.restore_run(actor=call.actor, run=run_of(call))
    return {}


def search(call: Call) -> Body:
    most, offset = page_of(call["max_results"], call["page_token"])
    most = min(most, LARGEST_PAGE)
    where = [_in_our_terms(one) for one in grammar.parse_filter(call["filter"], GRAMMAR)]
    order = grammar.parse_order(call["order_by"], GRAMMAR)
    experiments = ids_of(call, call["experiment_ids"])
    found = queries.search_runs(call.actor, experiments=experiments, where=where, order=order)
    rows = list(of_view(found, call["run_view_type"])[offset : offset + most + 1])
    return paged("runs", shown(call, rows[:most]), len(rows) > most, offset + most)


def _in_our_terms(condition: Condition) -> Condition:
    """Times as times."""
    if condition.entity == "attribute" and condition.key in GRAMMAR.numeric:
        return replace(condition, value=from_ms(condition.value, field=condition.key))
    return condition


RUN = text("run_id", required=True, once="run_uuid")
ENDPOINTS = (
    Endpoint(
        "POST",
        "mlflow/runs/create",
        create,
        (text("experiment_id"), text("user_id"), text("run_name"), integer("start_time"), pairs("tags")),
    ),
    Endpoint("GET", "mlflow/runs/get", get, (RUN,), reads=True, in_run=True),
    Endpoint(
        "POST",
        "mlflow/runs/update",
        update,
        (RUN, integer("end_time"), choice("status", STATUSES), text("run_name")),
        in_run=True,
    ),
    Endpoint("POST", "mlflow/runs/delete", delete, (RUN,)),
    Endpoint("POST", "mlflow/runs/restore", restore, (RUN,)),
    Endpoint(
        "POST",
        "mlflow/runs/search",
        search,
        (
            texts("experiment_ids"),
            text("filter"),
            integer("max_results", default=1_000),
            texts("order_by"),
            choice("run_view_type", VIEWS),
            text("page_token"),
        ),
        reads=True,
        in_run=True,
    ),
)
