"""Which keys and values MLflow takes, in its own sentences; pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping

from apps.core.errors import Invalid
from apps.tracking.models.limits import LONGEST_EXPERIMENT, LONGEST_KEY

KEY = re.compile(r"[/\w.\- :]*")
BAD_CHARACTERS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) "
    "and slashes (/)."
)
NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""NUL and lone surrogates: PostgreSQL can not store them."""
NOT_IN_A_MODEL_NAME = ("/", ":", ".", "%", '"', "'")


def check_key(key: str, *, path: str, called: str = "") -> str:
    """`path` names the field in the sentence about characters, `called` in the one about the length."""
    if not KEY.fullmatch(key):
        raise Invalid(_invalid(key, path, BAD_CHARACTERS), field=path)
    plain = posixpath.normpath(key)
    if plain != key or plain == "." or plain.startswith(("..", "/")):
        raise Invalid(
            _invalid(
                key,
                path,
                "Names may be treated as files in certain cases, and must not resolve to other names"
                f" when treated as such. This name would resolve to {plain!r}",
            ),
            field=path,
        )
    return check_length(key, LONGEST_KEY, called=called or path)


def check_length(value: str, most: int, *, called: str) -> str:
    if len(value) > most:
        raise Invalid(f"'{called}' exceeds the maximum length of {most} characters", field=called)
    return value


def check_text(value: str, *, path: str) -> str:
    if NO_TEXT.search(value):
        raise Invalid(f"The value of {path!r} is not text; store it as a file instead.", field=path)
    return value


def check_tags(tags: Mapping[str, str], longest: int, *, path: str = "") -> dict[str, str]:
    """Values that are too long are cut, as MLflow does."""
    for at, (key, value) in enumerate(tags.items()):
        place = f"{path}[{at}].key" if path else "key"
        check_text(value, path=check_key(key, path=place))
    return {key: value[:longest] for key, value in tags.items()}


def check_experiment_name(name: str) -> str:
    if not name:
        raise Invalid("Invalid experiment name: ''", field="name")
    return check_length(check_text(name, path="name"), LONGEST_EXPERIMENT, called="name")


def check_model_name(name: str) -> str:
    if any(character in name for character in NOT_IN_A_MODEL_NAME):
        raise Invalid(
            f"Invalid model name ({name!r}) provided. Model name must be a non-empty string and cannot contain the "
            f"following characters: {NOT_IN_A_MODEL_NAME}",
            field="name",
        )
    return check_length(check_text(name, path="name"), 500, called="name")


def check_unique(keys: Iterable[str]) -> None:
    """One value for each parameter of a batch."""
    seen, twice = set[str](), []
    for key in keys:
        if key in seen:
            twice.append(key)
        seen.add(key)
    if twice:
        raise Invalid(
            f"Duplicate parameter keys have been submitted: {twice}. Please ensure the request contains only one "
            "param value per param key."
        )


def _invalid(value: str, path: str, why: str) -> str:
    return f"Invalid value {json.dumps(value[:LONGEST_KEY])} for parameter '{path}' supplied: {why}"
