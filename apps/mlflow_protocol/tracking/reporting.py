"""What runs report: metrics, parameters, tags, inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.core.errors import Invalid
from apps.mlflow_protocol import grammar
from apps.mlflow_protocol.endpoints import Body, Call, Endpoint
from apps.mlflow_protocol.fields import integer, number, pairs, part, rows, text, texts
from apps.mlflow_protocol.tracking.runs import RUN, RUN_NAME, run_of
from apps.mlflow_protocol.words import by_key, from_ms, to_ms, without_empty
from apps.mlflow_protocol.words import number as as_number
from apps.tracking import actions, queries
from apps.tracking.names import check_unique
from apps.tracking.points import Point, UsedDataset

if TYPE_CHECKING:
    from apps.tracking.models import Metric, Run

MOST_METRICS, MOST_PAIRS, MOST_IN_ALL = 1_000, 100, 1_000
MOST_RUNS_AT_ONCE = 100
LONGEST_HISTORY = 25_000
INTERVAL_POINTS = 2_500
"""Points a run of a history that is asked for in bulk, as MLflow has it."""


def log_metric(call: Call) -> Body:
    actions.log_batch(actor=call.actor, run=run_of(call), points=[_point(call.fields, "")], alone=True)
    return {}


def log_param(call: Call) -> Body:
    actions.log_batch(actor=call.actor, run=run_of(call), params={call["key"]: call["value"]}, alone=True)
    return {}


def set_tag(call: Call) -> Body:
    _log_tags(call, run_of(call), {call["key"]: call["value"]}, alone=True)
    return {}


def delete_tag(call: Call) -> Body:
    actions.delete_tag(actor=call.actor, run=run_of(call), key=call["key"])
    return {}


def log_batch(call: Call) -> Body:
    _check_sizes(len(call["metrics"]), len(call["params"]), len(call["tags"]))
    check_unique(param["key"] for param in call["params"])
    points = [_point(one, f"metrics[{at}].") for at, one in enumerate(call["metrics"])]
    _log_tags(call, run_of(call), by_key(call["tags"]), points=points, params=by_key(call["params"]))
    return {}


def _log_tags(call: Call, run: Run, tags: dict[str, str], **rest: Any) -> None:
    """The tag that repeats the run's name is the run's name."""
    name = tags.pop(RUN_NAME, "")
    actions.log_batch(actor=call.actor, run=run, tags=tags, **rest)
    if name:
        actions.update_run(actor=call.actor, run=run, name=name)


def _check_sizes(metrics: int, params: int, tags: int) -> None:
    limits = (
        ("metrics", metrics, MOST_METRICS),
        ("params", params, MOST_PAIRS),
        ("tags", tags, MOST_PAIRS),
        ("metrics, params, and tags", metrics + params + tags, MOST_IN_ALL),
    )
    for name, count, most in limits:
        if count > most:
            raise Invalid(
                f"A batch logging request can contain at most {most} {name}. Got {count} {name}. "
                f"Please split up {name} across multiple requests and try again."
            )


def _point(sent: Mapping[str, Any], path: str) -> Point:
    if sent["timestamp"] < 0:
        raise Invalid(
            f"Invalid value {sent['timestamp']} for parameter '{path}timestamp' supplied: metric '{sent['key']}' "
            f"(value={sent['value']}). Timestamp must be a nonnegative long (64-bit integer) "
        )
    at = from_ms(sent["timestamp"], field=f"{path}timestamp")
    named = sent["dataset_name"], sent["dataset_digest"]
    return Point(sent["key"], sent["value"], at, sent["step"], sent["model_id"], *named)


def log_inputs(call: Call) -> Body:
    datasets = [_used(one) for one in call["datasets"]]
    models = [one["model_id"] for one in call["models"]]
    actions.log_inputs(actor=call.actor, run=run_of(call), datasets=datasets, models=models)
    return {}


def _used(sent: Mapping[str, Any]) -> UsedDataset:
    if sent["dataset"] is None:
        raise Invalid("Dataset input must have a dataset associated with it.")
    return UsedDataset(**sent["dataset"], tags=by_key(sent["tags"]))


def log_outputs(call: Call) -> Body:
    models = {one["model_id"]: one["step"] for one in call["models"]}
    actions.log_outputs(actor=call.actor, run=run_of(call), models=models)
    return {}


def get_history(call: Call) -> Body:
    most = call["max_results"]
    if most is not None and most <= 0:
        raise Invalid(f"Invalid value {most} for parameter 'max_results' supplied. It must be a positive integer.")
    run, offset = run_of(call), grammar.parse_token(call["page_token"])
    points = queries.points(run_ids=[run.pk], key=call["metric_key"])
    end = offset + min(most or LONGEST_HISTORY, LONGEST_HISTORY)
    found = list(points[offset : end + 1])
    more = len(found) > end - offset
    metrics = [_point_of_run(one) for one in found[: end - offset]]
    return without_empty({"metrics": metrics, "next_page_token": grammar.page_token(end) if more else ""})


def get_history_bulk(call: Call) -> Body:
    if not call["run_id"]:
        raise Invalid("GetMetricHistoryBulk request must specify at least one run_id.")
    _check_runs("GetMetricHistoryBulk", len(call["run_id"]))
    if not call["metric_key"]:
        raise Invalid("GetMetricHistoryBulk request must specify a metric_key.")
    visible = queries.visible_run_ids(call.actor, call["run_id"])
    most = max(0, min(call["max_results"], LONGEST_HISTORY))
    found = queries.points(run_ids=visible, key=call["metric_key"])[:most]
    return {"metrics": [_shown(one) for one in found]}


def get_history_interval(call: Call) -> Body:
    """At most so many points a run, spread evenly over its steps, the first and the last always among them."""
    _check_runs("GetMetricHistoryBulkInterval", len(call["run_ids"]))
    first, last = _interval(call["start_step"], call["end_step"])
    visible = queries.visible_run_ids(call.actor, call["run_ids"])
    most = max(1, min(call["max_results"], INTERVAL_POINTS))
    found = queries.sampled_points(run_ids=visible, key=call["metric_key"], first=first, last=last, most=most)
    return without_empty({"metrics": [_shown(one) for one in found]})


def _check_runs(name: str, count: int) -> None:
    if count > MOST_RUNS_AT_ONCE:
        raise Invalid(f"{name} request cannot specify more than {MOST_RUNS_AT_ONCE} run_ids. Received {count} run_ids.")


def _interval(first: int | None, last: int | None) -> tuple[int | None, int | None]:
    if (first is None) != (last is None):
        raise Invalid("If either start step or end step are specified, both must be specified.")
    if first is not None and last is not None and first > last:
        raise Invalid(f"end_step must be greater than start_step. Found start_step={first} and end_step={last}.")
    return first, last


def _shown(one: Metric) -> Body:
    """As a point among those of several runs."""
    return {**_point_of_run(one), "run_id": one.run_id}


def _point_of_run(one: Metric) -> Body:
    return {"key": one.key, "value": as_number(one.value), "timestamp": to_ms(one.timestamp), "step": one.step}


KEY, VALUE = text("key", required=True), text("value")
POINT = (
    KEY,
    number("value", required=True),
    integer("timestamp", required=True),
    integer("step", default=0),
    text("model_id"),
    text("dataset_name"),
    text("dataset_digest"),
)
DATASET = part(
    "dataset",
    text("name", required=True),
    text("digest", required=True),
    text("source_type", required=True),
    text("source", required=True),
    text("schema"),
    text("profile"),
)
ENDPOINTS = (
    Endpoint("POST", "mlflow/runs/log-metric", log_metric, (RUN, *POINT), in_run=True),
    Endpoint("POST", "mlflow/runs/log-parameter", log_param, (RUN, KEY, VALUE), in_run=True),
    Endpoint("POST", "mlflow/runs/set-tag", set_tag, (RUN, KEY, VALUE), in_run=True),
    Endpoint("POST", "mlflow/runs/delete-tag", delete_tag, (RUN, KEY), in_run=True),
    Endpoint(
        "POST",
        "mlflow/runs/log-batch",
        log_batch,
        (RUN, rows("metrics", *POINT), rows("params", KEY, VALUE), rows("tags", KEY, VALUE)),
        in_run=True,
    ),
    Endpoint(
        "POST",
        "mlflow/runs/log-inputs",
        log_inputs,
        (RUN, rows("datasets", DATASET, pairs("tags")), rows("models", text("model_id", required=True))),
        in_run=True,
    ),
    Endpoint(
        "POST",
        "mlflow/runs/outputs",
        log_outputs,
        (RUN, rows("models", text("model_id", required=True), integer("step", default=0), required=True)),
        in_run=True,
    ),
    Endpoint(
        "GET",
        "mlflow/metrics/get-history",
        get_history,
        (RUN, text("metric_key", required=True), text("page_token"), integer("max_results")),
        reads=True,
        in_run=True,
    ),
    Endpoint(
        "GET",
        "mlflow/metrics/get-history-bulk",
        get_history_bulk,
        (texts("run_id"), text("metric_key"), integer("max_results", default=LONGEST_HISTORY)),
        reads=True,
    ),
    Endpoint(
        "GET",
        "mlflow/metrics/get-history-bulk-interval",
        get_history_interval,
        (
            texts("run_ids", required=True),
            text("metric_key", required=True),
            integer("start_step"),
            integer("end_step"),
            integer("max_results", default=INTERVAL_POINTS),
        ),
        reads=True,
    ),
)
