"""Where the portal answers otherwise on purpose, each with its reason. The suite fails when one no longer occurs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Known:
    """What the suite makes for these calls; its id differs from server to server. In a path it is `<name>`."""

    name: str


MODEL, S3 = "parity-differences", "s3://bucket/model"
"""A model with two versions, which the suite makes."""
RUN, EXPERIMENT, OUTPUT = Known("run"), Known("experiment"), Known("model")
HIDDEN, GONE = Known("hidden"), Known("gone")
FILLED = ("user_id", "model_id", "model_params", "model_metrics")
"""MLflow stores none of these for a version; the portal says who made it and what it reported."""
ADDRESSES = ("artifact_uri", "artifact_location", "root_uri")
"""Each server keeps files at addresses of its own."""
NOT_SERVED = ("workspace",)
"""The portal has teams instead."""
UNBOUNDED = {1.7976931348623157e308: "Infinity", -1.7976931348623157e308: "-Infinity"}
"""MLflow keeps the largest float that there is where infinity was logged."""


@dataclass(frozen=True)
class Wording:
    """The same refusal in other words: what both say is cut down to what `pattern` keeps. The example shows it."""

    pattern: re.Pattern[str]
    reason: str
    call: str
    sent: dict[str, Any]


WORDINGS = (
    Wording(
        re.compile(r"('source' cannot use the '[\w-]+' scheme:).*", re.DOTALL),
        "MLflow names an environment variable that an administrator sets; the portal names the ways that work here.",
        "POST model-versions/create",
        {"name": MODEL, "source": "ftp://host/x"},
    ),
    Wording(
        re.compile(r"(Invalid (?:attribute|dataset) key '.*' specified\. Valid keys are).*", re.DOTALL),
        "MLflow prints a set, whose order differs from process to process.",
        "POST runs/search",
        {"experiment_ids": [EXPERIMENT], "filter": "datasets.nothing = 'x'"},
    ),
    Wording(
        re.compile(r"(Invalid order by key '.*' specified\. Valid keys are).*", re.DOTALL),
        "MLflow prints a set, whose order differs from process to process.",
        "GET registered-models/search",
        {"order_by": ["color"]},
    ),
    Wording(
        re.compile(r"(Invalid page token, ).*", re.DOTALL),
        "MLflow's tokens hold an offset, the portal's a place, so other things can be wrong with them.",
        "GET registered-models/search",
        {"page_token": "e30="},
    ),
    Wording(
        re.compile(r"(Only the )'.*(attributes support comparison with numeric values\.)", re.DOTALL),
        "MLflow prints a set, whose order differs from process to process.",
        "GET model-versions/search",
        {"filter": "name = 5"},
    ),
    Wording(
        re.compile(r"(Experiment\(name=.*?\) already exists\.).*", re.DOTALL),
        "MLflow adds the statement that it sent to its database.",
        "POST experiments/create",
        {"name": MODEL},
    ),
    Wording(
        re.compile(r"(Invalid comparator) (?:'|for experiment_id).*", re.DOTALL),
        "MLflow prints a set, whose order differs from process to process.",
        "POST runs/search",
        {"experiment_ids": [EXPERIMENT], "filter": "params.a == 'x'"},
    ),
    Wording(
        re.compile(r"(Invalid entity type '.*'\.).*", re.DOTALL),
        "MLflow's searches each name the entities in a way of their own.",
        "POST experiments/search",
        {"filter": "params.a = 'x'", "max_results": 5},
    ),
    Wording(
        re.compile(r"(Invalid) (?:filter string|clause\(s\) in filter string).*", re.DOTALL),
        "MLflow's searches each quote what they can not read in a way of their own.",
        "POST logged-models/search",
        {"experiment_ids": [EXPERIMENT], "filter": "name"},
    ),
    Wording(
        re.compile(r"(Invalid value \S+ for parameter 'max_results' supplied).*", re.DOTALL),
        "The portal says how many rows there may be.",
        "POST runs/search",
        {"experiment_ids": [EXPERIMENT], "max_results": 50_001},
    ),
)


@dataclass(frozen=True)
class Difference:
    """A call, what MLflow answers (status, code), what the portal answers, and why."""

    name: str
    reason: str
    call: str
    sent: dict[str, Any]
    theirs: tuple[int, str]
    ours: tuple[int, str]


NEVER_5XX = "The client tries a 5xx again for minutes and swallows its sentence, so a user's error is a 400."
GUESSED = "MLflow takes something else instead without a word; what was meant is then lost."
INVALID = (400, "INVALID_PARAMETER_VALUE")
TAKEN = (200, "")
POINT = {"run_id": RUN, "key": "m", "value": 1, "timestamp": 1}
BROKEN = (500, "INTERNAL_ERROR")
CRASHED = (500, "")
"""Without even a body of JSON."""


RM_SEARCH = "GET registered-models/search"


def _d(name: str, reason: str, call: str, sent: dict[str, Any], theirs: tuple[int, str], ours: Any) -> Difference:
    return Difference(name, reason, call, sent, theirs, ours)


DIFFERENCES = [
    _d(
        "archiving from an inactive stage",
        NEVER_5XX,
        "POST model-versions/transition-stage",
        {"name": MODEL, "version": "1", "stage": "None", "archive_existing_versions": True},
        BROKEN,
        INVALID,
    ),
    _d(
        "archiving with a version that is no number",
        "MLflow lets its database judge the version, and answers with the statement it sent there.",
        "POST model-versions/transition-stage",
        {"name": MODEL, "version": "x", "stage": "Staging", "archive_existing_versions": True},
        (400, "BAD_REQUEST"),
        INVALID,
    ),
    _d(
        "an order with one field twice",
        NEVER_5XX,
        "GET model-versions/search",
        {"order_by": ["name ASC", "name DESC"]},
        BROKEN,
        INVALID,
    ),
    _d(
        "a condition without a value",
        NEVER_5XX,
        RM_SEARCH,
        {"filter": "name IS NULL"},
        CRASHED,
        INVALID,
    ),
    _d(
        "a page token that is null",
        NEVER_5XX,
        RM_SEARCH,
        {"page_token": "bnVsbA=="},
        CRASHED,
        INVALID,
    ),
    _d("a page token that is a list", NEVER_5XX, "GET model-versions/search", {"page_token": "W10="}, CRASHED, INVALID),
    _d(
        "a page of no rows",
        "MLflow answers an empty page whose token leads to itself, so a client that follows it never ends.",
        RM_SEARCH,
        {"max_results": "0"},
        TAKEN,
        INVALID,
    ),
    _d(
        "a status that there is not",
        "MLflow takes a word that it does not know for RUNNING.",
        "POST runs/update",
        {"run_id": RUN, "status": "finished"},
        TAKEN,
        INVALID,
    ),
    _d(
        "a view that there is not",
        GUESSED,
        "POST runs/search",
        {"experiment_ids": [EXPERIMENT], "run_view_type": "NONE"},
        TAKEN,
        INVALID,
    ),
    *(
        _d(
            f"a metric with the {field} {value}",
            GUESSED,
            "POST runs/log-metric",
            {**POINT, field: value},
            theirs,
            INVALID,
        )
        for field, value, theirs in [
            ("value", True, TAKEN),
            ("value", [1], CRASHED),
            ("step", 1.5, TAKEN),
            ("timestamp", 1.5, TAKEN),
        ]
    ),
    _d(
        "a value in a batch that is no number",
        GUESSED,
        "POST runs/log-batch",
        {"run_id": RUN, "metrics": [{"key": "m", "value": "x", "timestamp": 1}]},
        TAKEN,
        INVALID,
    ),
    _d(
        "a parameter in a batch that is no text",
        GUESSED,
        "POST runs/log-batch",
        {"run_id": RUN, "params": [{"key": "p", "value": 5}]},
        TAKEN,
        INVALID,
    ),
    *(
        _d(
            name,
            "Nobody could tell it from another.",
            "POST runs/log-inputs",
            {"run_id": RUN, "datasets": [sent]},
            TAKEN,
            INVALID,
        )
        for name, sent in [
            ("a data set without anything", {"tags": []}),
            ("a data set without a digest", {"dataset": {"name": "x"}}),
        ]
    ),
    _d(
        "a model that is an output twice",
        "A client that sends again what it has sent is told that it is there.",
        "POST runs/outputs",
        {"run_id": RUN, "models": [{"model_id": OUTPUT, "step": 1}]},
        (400, "BAD_REQUEST"),
        TAKEN,
    ),
    _d(
        "a status of logged models that there is not",
        GUESSED,
        f"PATCH logged-models/m-{'0' * 32}",
        {"model_id": OUTPUT, "status": "READY"},
        TAKEN,
        INVALID,
    ),
    _d(
        "a tag of a logged model with a key that climbs",
        "MLflow refuses such keys for all else.",
        "PATCH logged-models/<model>/tags",
        {"model_id": OUTPUT, "tags": [{"key": "../x", "value": "1"}]},
        TAKEN,
        INVALID,
    ),
    _d(
        "a name for an experiment that is deleted",
        NEVER_5XX,
        "POST experiments/update",
        {"experiment_id": HIDDEN, "new_name": "other"},
        (500, "INVALID_STATE"),
        INVALID,
    ),
    _d(
        "a status for a logged model that is deleted",
        "Nobody finds it any more, so nobody changes it.",
        "PATCH logged-models/<gone>",
        {"model_id": GONE, "status": "LOGGED_MODEL_READY"},
        TAKEN,
        (404, "RESOURCE_DOES_NOT_EXIST"),
    ),
    _d(
        "another value for a point of a logged model",
        "A client that sends again what it has sent is told that it is there.",
        "POST runs/log-metric",
        {**POINT, "key": "twice of a model", "value": 2, "model_id": OUTPUT},
        (400, "BAD_REQUEST"),
        TAKEN,
    ),
    _d(
        "a history of x points",
        GUESSED,
        "GET metrics/get-history",
        {"run_id": RUN, "metric_key": "m", "max_results": "x"},
        TAKEN,
        INVALID,
    ),
    _d(
        "a logged model that only the address names",
        "Once is enough.",
        f"PATCH logged-models/m-{'0' * 32}",
        {"status": "LOGGED_MODEL_READY"},
        INVALID,
        (404, "RESOURCE_DOES_NOT_EXIST"),
    ),
    _d(
        "an order of runs with one field twice",
        NEVER_5XX,
        "POST runs/search",
        {"experiment_ids": [EXPERIMENT], "order_by": ["metrics.m", "metrics.m"]},
        BROKEN,
        INVALID,
    ),
    _d(
        "an order of experiments with one field twice",
        "All searches refuse it.",
        "POST experiments/search",
        {"order_by": ["name", "name"], "max_results": 5},
        TAKEN,
        INVALID,
    ),
    _d(
        "experiments without a number of them",
        "MLflow's client always sends one; who asks by hand gets a page.",
        "POST experiments/search",
        {"filter": "name = 'nobody'"},
        INVALID,
        TAKEN,
    ),
    _d(
        "an experiment with a place for files",
        "The portal keeps files itself, verified and once each; an address from a request is never used.",
        "POST experiments/create",
        {"name": "elsewhere", "artifact_location": "s3://bucket/x"},
        TAKEN,
        INVALID,
    ),
    _d(
        "runs by the address of their files",
        "Files have no addresses by which runs could be told apart.",
        "POST runs/search",
        {"experiment_ids": [EXPERIMENT], "filter": "artifact_uri = 'x'"},
        TAKEN,
        INVALID,
    ),
    _d(
        "logged models by status",
        "MLflow lets its database judge the word, and answers with the statement it sent there.",
        "POST logged-models/search",
        {"experiment_ids": [EXPERIMENT], "filter": "status = 'READY'"},
        (400, "BAD_REQUEST"),
        TAKEN,
    ),
    _d(
        "logged models by what they do not have",
        NEVER_5XX,
        "POST logged-models/search",
        {"experiment_ids": [EXPERIMENT], "filter": "foo = 'x'"},
        BROKEN,
        INVALID,
    ),
    _d(
        "logged models by a name that is a number",
        GUESSED,
        "POST logged-models/search",
        {"experiment_ids": [EXPERIMENT], "filter": "name = 5"},
        TAKEN,
        INVALID,
    ),
]
