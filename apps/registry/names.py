"""What names, tags and texts of models may be: MLflow's rules in MLflow's words, which its clients know."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping

from apps.core.errors import Invalid
from apps.registry.models.version import LONGEST_ALIAS, NAME_LENGTH

LONGEST_DESCRIPTION = 20_000
LONGEST_KEY = 250
LONGEST_VALUE = 100_000
MOST_TAGS = 1_000
"""Of one model or version; a reader gets all of them at once."""
KEY = re.compile(r"[/\w.\- :]*")
ALIAS = re.compile(r"[\w\-]*")
NUMBERED = re.compile(r"[vV]\d+")
NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""NUL and lone surrogates: PostgreSQL can not store them."""


def check_model_name(name: str, *, field: str = "name") -> str:
    """The name itself. Raises Invalid for an empty, too long or path-like one."""
    if not name.strip():
        raise Invalid(f"Missing value for required parameter '{field}'.", field=field)
    if "/" in name or ":" in name:
        raise Invalid(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.", field=field)
    if _resolves_elsewhere(name):
        raise Invalid(_invalid("name", name, _resolves_to(name)), field=field)
    return check_text("name", name, NAME_LENGTH)


def check_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags themselves. Raises Invalid."""
    for key, value in tags.items():
        check_key(key)
        check_text("key", key, LONGEST_KEY)
        check_text("value", value, LONGEST_VALUE)
    return check_number_of_tags(dict(tags))


def check_number_of_tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MOST_TAGS:
        raise Invalid(f"Up to {MOST_TAGS} tags fit on one model or version; remove some first.", field="tags")
    return tags


def check_key(key: str) -> str:
    """A tag's key. Raises Invalid."""
    if not KEY.fullmatch(key):
        letters = (
            "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), "
            "colon(:) and slashes (/)."
        )
        raise Invalid(_invalid("key", key, letters), field="key")
    if _resolves_elsewhere(key) or key.startswith("/"):
        raise Invalid(_invalid("key", key, _resolves_to(key)), field="key")
    return key


def check_alias(alias: str) -> str:
    """An alias that is asked for. Raises Invalid."""
    if not alias:
        raise Invalid("Registered model alias name cannot be empty.", field="alias")
    if not ALIAS.fullmatch(alias):
        said = "Names may only contain alphanumerics, underscores (_), and dashes (-)."
        raise Invalid(f"Invalid alias name: '{alias}'. {said}", field="alias")
    return check_text("Registered model alias name", alias, LONGEST_ALIAS, field="alias")


def check_new_alias(alias: str) -> str:
    """An alias that shall be set: neither `latest` nor what looks like a version's number. Raises Invalid."""
    check_alias(alias)
    if alias.lower() == "latest":
        raise Invalid("'latest' alias name (case insensitive) is reserved.", field="alias")
    if NUMBERED.fullmatch(alias):
        raise Invalid(f"Version alias name '{alias}' is reserved.", field="alias")
    return alias


def check_text(what: str, text: str, longest: int, *, field: str | None = None) -> str:
    """The text itself. Raises Invalid for too long a one and for what no database stores."""
    if len(text) > longest:
        raise Invalid(f"'{what}' exceeds the maximum length of {longest} characters", field=field or what)
    if NO_TEXT.search(text):
        raise Invalid(f"'{what}' holds characters that are no text.", field=field or what)
    return text


def _resolves_elsewhere(name: str) -> bool:
    norm = posixpath.normpath(name)
    return norm != name or norm == "." or norm.startswith("..")


def _resolves_to(name: str) -> str:
    return (
        "Names may be treated as files in certain cases, and must not resolve to other names "
        f"when treated as such. This name would resolve to {posixpath.normpath(name)!r}"
    )


def _invalid(field: str, value: str, why: str) -> str:
    return f"Invalid value {json.dumps(value)} for parameter '{field}' supplied: {why}"
