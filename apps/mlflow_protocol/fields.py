"""What a request's fields may be. MLflow reads JSON as protobuf does, and its sentences are kept word for word."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.errors import Invalid

INT64 = range(-(2**63), 2**63)
WORDS_FOR_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
Read = Callable[[Any], Any]
"""Takes a JSON value or the text of a query; raises ValueError, TypeError or Invalid."""


@dataclass(frozen=True)
class Field:
    """One field of a request, named in snake_case; `default` is what an absent one reads as."""

    name: str
    read: Read
    required: bool = False
    default: Any = None
    repeated: bool = False
    once: str = ""  # what old clients call it

    @property
    def camel(self) -> str:
        first, *others = self.name.split("_")
        return first + "".join(word.capitalize() for word in others)


def parse(fields: Sequence[Field], sent: Mapping[str, Any], *, path: str = "") -> dict[str, Any]:
    """Every field's value; unknown ones are ignored. Raises Invalid in MLflow's words."""
    return {field.name: _value(field, sent, path) for field in fields}


def _value(field: Field, sent: Mapping[str, Any], path: str) -> Any:
    value = _spelled(field, sent)
    if field.required and (value is None or value == ""):
        raise Invalid(_see_docs(f"Missing value for required parameter '{path}{field.name}'."), field=field.name)
    if value is None:
        return field.default
    try:
        return field.read(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise Invalid(_see_docs(_invalid(path + field.name, value)), field=field.name) from error


def _spelled(field: Field, sent: Mapping[str, Any]) -> Any:
    """snake_case or lowerCamelCase; both at once could mean two things to two readers."""
    if field.camel != field.name and field.name in sent and field.camel in sent:
        raise Invalid(
            f"Request specifies both '{field.name}' and '{field.camel}'; provide only one of them.", field=field.name
        )
    return sent.get(field.name, sent.get(field.camel, sent.get(field.once)))


def _see_docs(sentence: str) -> str:
    return f"{sentence} See the API docs for more information about request parameters."


def _invalid(name: str, value: object) -> str:
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"))
    shown = shown if len(shown) <= 200 else shown[:200] + "…"
    return f"Invalid value {shown} for parameter '{name}' supplied:  Hint: Value was of type '{type(value).__name__}'."


def text(name: str, *, required: bool = False, default: str | None = "", once: str = "") -> Field:
    return Field(name, _text, required, default, once=once)


def integer(name: str, *, required: bool = False, default: int | None = None) -> Field:
    """64 bits; a number without a fraction, or its digits."""
    return Field(name, _integer, required, default)


def number(name: str, *, required: bool = False) -> Field:
    """A float; NaN, Infinity and -Infinity are words."""
    return Field(name, _number, required)


def flag(name: str, *, default: bool = False) -> Field:
    return Field(name, _flag, default=default)


def choice(name: str, words: Mapping[int, str], *, required: bool = False) -> Field:
    """One of the words, or the number that protobuf gives it; absent it is None."""

    def read(value: Any) -> str:
        word = value if isinstance(value, str) and not value.isdigit() else words.get(_integer(value))
        if word not in words.values():
            raise ValueError
        return str(word)

    return Field(name, read, required)


def texts(name: str, *, required: bool = False) -> Field:
    return Field(name, lambda value: [_text(item) for item in _items(value)], required, default=[], repeated=True)


def rows(name: str, *fields: Field, required: bool = False) -> Field:
    """A list of objects with these fields; each reads as a dict."""

    def read(value: Any) -> list[dict[str, Any]]:
        return [parse(fields, _object(item), path=f"{name}[{at}].") for at, item in enumerate(_items(value))]

    return Field(name, read, required, default=[], repeated=True)


def part(name: str, *fields: Field, required: bool = False) -> Field:
    """An object with these fields, as a dict."""
    return Field(name, lambda value: parse(fields, _object(value), path=f"{name}."), required)


def pairs(name: str) -> Field:
    """MLflow's tags and parameters: `[{"key": …, "value": …}]`."""
    return rows(name, text("key"), text("value"))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    if int(value) not in INT64:
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return WORDS_FOR_NUMBERS[value] if value in WORDS_FOR_NUMBERS else float(value)


def _flag(value: Any) -> bool:
    if isinstance(value, str):
        if value.lower() not in ("true", "false"):
            raise Invalid(f"Invalid boolean value: {value[:60]}, must be 'true' or 'false'.")
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise TypeError
    return value


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value
