"""Where the portal answers otherwise on purpose, each with its reason. The suite fails when one no longer occurs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

FILLED = ("user_id", "model_id", "model_params", "model_metrics")
"""MLflow stores none of these for a version; the portal says who made it and what it reported."""


@dataclass(frozen=True)
class Wording:
    """The same refusal in other words: what both say is cut down to what `pattern` keeps."""

    pattern: re.Pattern[str]
    reason: str


WORDINGS = (
    Wording(
        re.compile(r"('source' cannot use the '[\w-]+' scheme:).*", re.DOTALL),
        "MLflow names an environment variable that an administrator sets; the portal names the ways that work here.",
    ),
    Wording(
        re.compile(r"(Invalid attribute key '.*' specified\. Valid keys are).*", re.DOTALL),
        "MLflow prints a set, whose order differs from process to process.",
    ),
    Wording(
        re.compile(r"(Invalid order by key '.*' specified\. Valid keys are).*", re.DOTALL),
        "MLflow prints a set, whose order differs from process to process.",
    ),
    Wording(
        re.compile(r"(Invalid page token, ).*", re.DOTALL),
        "MLflow's tokens hold an offset, the portal's a place, so other things can be wrong with them.",
    ),
    Wording(
        re.compile(r"(Only the )'.*(attributes support comparison with numeric values\.)", re.DOTALL),
        "MLflow prints a set, whose order differs from process to process.",
    ),
)


@dataclass(frozen=True)
class Difference:
    """A call, what MLflow answers (status, code), what the portal answers, and why."""

    name: str
    reason: str
    method: str
    path: str
    sent: dict[str, Any]
    theirs: tuple[int, str]
    ours: tuple[int, str]


NEVER_5XX = "The client tries a 5xx again for minutes and swallows its sentence, so a user's error is a 400."
INVALID = (400, "INVALID_PARAMETER_VALUE")
BROKEN = (500, "INTERNAL_ERROR")
CRASHED = (500, "")
"""Without even a body of JSON."""
MODEL, S3 = "parity-differences", "s3://bucket/model"
"""A model with two versions, which the suite makes."""


RM_SEARCH = "GET registered-models/search"


def _d(name: str, reason: str, call: str, sent: dict[str, Any], theirs: tuple[int, str], ours: Any) -> Difference:
    method, path = call.split()
    return Difference(name, reason, method, path, sent, theirs, ours)


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
        (200, ""),
        INVALID,
    ),
]
