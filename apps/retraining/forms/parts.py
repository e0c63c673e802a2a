"""A pipeline's JSON Schema read as parts that a form can show; pure.

Judging values stays with `apps.retraining.parameters`: what is not understood here becomes a JSON box, never a wrong
widget, and is validated all the same.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

Schema = Mapping[str, Any]


class Absent(Enum):
    """Not said at all, which is something else than null, False or an empty text."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class Kind(Enum):
    TEXT = "text"
    LONG_TEXT = "long text"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"
    DATE = "date"
    MOMENT = "date and time"
    TIME = "time"
    CHOICE = "choice"
    CHOICES = "choices"
    LINES = "lines"  # a list of texts, numbers or flags
    PAIRS = "pairs"  # an object of names that nobody knows before, with a text, a number or a flag each
    JSON = "json"


@dataclass(frozen=True)
class Choice:
    """One value of an enum; `sent` is how a form sends it."""

    sent: str
    value: Any
    label: str


@dataclass(frozen=True)
class Part:
    """One parameter, or one inside of an object; `path` leads to it. `item` is the kind of what a list holds."""

    path: tuple[str, ...]
    section: str
    label: str
    help: str
    kind: Kind
    needed: bool
    nullable: bool
    default: Any
    choices: tuple[Choice, ...]
    item: Kind
    examples: tuple[Any, ...]
    schema: Schema

    @property
    def name(self) -> str:
        return ".".join(self.path)


MULTILINE_FORMATS = frozenset({"multiline", "textarea", "markdown"})
SCALARS = {"string": Kind.TEXT, "number": Kind.NUMBER, "integer": Kind.INTEGER, "boolean": Kind.FLAG}
TEXTS = {"date": Kind.DATE, "date-time": Kind.MOMENT, "time": Kind.TIME}
DEEPEST_REFERENCE = 8
DEEPEST_OBJECT = 3


def parts_of(schema: Schema) -> list[Part]:
    """The schema's parameters in order, those of an object one by one."""
    return [part for name in in_order(schema, _named(schema)) for part in _parts(schema, schema, (name,), True)]


def _named(schema: Schema) -> Mapping[str, Any]:
    properties = schema.get("properties", {})
    return properties if isinstance(properties, Mapping) else {}


def _parts(root: Schema, parent: Schema, path: tuple[str, ...], is_needed: bool) -> Iterator[Part]:
    """`is_needed`: whatever it is part of can not be left out."""
    name, inherited = path[-1], parent.get("default")
    schema = _plain(_named(parent)[name], root)
    if isinstance(inherited, Mapping) and name in inherited:
        schema = {**schema, "default": inherited[name]}
    is_needed = is_needed and name in parent.get("required", ())
    if not _is_taken_apart(schema, path, is_needed):
        yield _part(path, schema, is_needed, _section(parent, schema, path))
        return
    inner = {"section": _section(parent, schema, path) or _label(schema, name)}
    for each in in_order(schema, _named(schema)):
        yield from _parts(root, {**inner, **schema}, (*path, each), is_needed)


def _is_taken_apart(schema: Schema, path: tuple[str, ...], is_needed: bool) -> bool:
    """An object whose names are all known. Where leaving it out is a choice that its parts could not say, it is not."""
    names = _named(schema)
    if _types(schema) != (["object"], False) or not names or len(path) >= DEEPEST_OBJECT:
        return False
    if schema.get("additionalProperties") or "patternProperties" in schema or any("." in name for name in names):
        return False
    return is_needed or all("default" in names.get(name, {}) for name in schema.get("required", ()))


def _section(parent: Schema, schema: Schema, path: tuple[str, ...]) -> str:
    """Its own, or that of the object it belongs to."""
    return str(schema.get("section") or (parent.get("section", "") if len(path) > 1 else ""))


def _label(schema: Schema, name: str) -> str:
    return str(schema.get("title") or name.replace("_", " ").capitalize())


def in_order(schema: Schema, names: Iterable[str]) -> list[str]:
    """The names as the schema's `x-order` has them, the others behind: the database keeps no order of an object."""
    order = schema.get("x-order")
    places = {name: place for place, name in enumerate(order if isinstance(order, list) else ())}
    return sorted(names, key=lambda name: places.get(name, len(places)))


def _part(path: tuple[str, ...], schema: Schema, needed: bool, section: str) -> Part:
    words, nullable = _types(schema)
    choices = _choices(schema)
    kind, item = _kind(schema, words, choices)
    if kind is Kind.CHOICES:
        choices = _choices(schema["items"])
    return Part(
        path=path,
        section=section,
        label=_label(schema, path[-1]),
        help=" ".join(filter(None, [str(schema.get("description", "")), _limits(schema, kind)])),
        kind=kind,
        needed=needed,
        nullable=nullable,
        default=schema.get("default", ABSENT),
        choices=choices,
        item=item,
        examples=tuple(schema.get("examples", ())),
        schema=schema,
    )


def _plain(part: object, root: Schema, depth: int = 0) -> Schema:
    """One spelling for several: references inside the schema, an `allOf` of one, and "this or null"."""
    if not isinstance(part, Mapping):
        return {}
    if depth > DEEPEST_REFERENCE:
        return part
    beside = {word: value for word, value in part.items() if word not in ("$ref", "allOf", "anyOf")}
    if "$ref" in part:
        return {**_plain(_referred(str(part["$ref"]), root), root, depth + 1), **beside}
    if isinstance(part.get("allOf"), list) and len(part["allOf"]) == 1 and "type" not in part:
        return {**_plain(part["allOf"][0], root, depth + 1), **beside}
    if isinstance(part.get("anyOf"), list) and (inner := _or_null(part["anyOf"])):
        plain = _plain(inner, root, depth + 1)
        return {**plain, "type": [*_words(plain), "null"], **beside}
    if isinstance(part.get("items"), Mapping):
        return {**part, "items": _plain(part["items"], root, depth + 1)}
    return part


def _referred(pointer: str, root: Schema) -> object:
    found: object = root
    for step in pointer.removeprefix("#").strip("/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def _or_null(choices: Sequence[Any]) -> Schema | None:
    """The other one of two schemas of which one is null."""
    real = [one for one in choices if isinstance(one, Mapping) and one.get("type") != "null"]
    return real[0] if len(choices) == 2 and len(real) == 1 else None


def _words(schema: Schema) -> list[str]:
    said = schema.get("type", [])
    return list(said) if isinstance(said, list) else [str(said)]


def _types(schema: Schema) -> tuple[list[str], bool]:
    """The types but null, and whether null is one of them (an enum may name it too)."""
    words = _words(schema)
    return [word for word in words if word != "null"], "null" in words or None in schema.get("enum", ())


def _kind(schema: Schema, words: list[str], choices: tuple[Choice, ...]) -> tuple[Kind, Kind]:
    """The kind, and of a list its items' (else the same again)."""
    if choices:
        return Kind.CHOICE, Kind.CHOICE
    if words == ["array"]:
        return _list_kind(schema)
    if words == ["object"]:
        return _object_kind(schema)
    if len(words) != 1 or words[0] not in SCALARS:
        return Kind.JSON, Kind.JSON
    kind = SCALARS[words[0]]
    if kind is Kind.TEXT:
        kind = _text_kind(schema)
    return kind, kind


def _text_kind(schema: Schema) -> Kind:
    if schema.get("format") in TEXTS:
        return TEXTS[schema["format"]]
    long = schema.get("format") in MULTILINE_FORMATS or str(schema.get("contentMediaType", "")).startswith("text/")
    return Kind.LONG_TEXT if long else Kind.TEXT


def _list_kind(schema: Schema) -> tuple[Kind, Kind]:
    items = schema.get("items")
    if not isinstance(items, Mapping) or "prefixItems" in schema:
        return Kind.JSON, Kind.JSON
    if _choices(items) and schema.get("uniqueItems") is True:
        return Kind.CHOICES, Kind.CHOICE
    item = _item_kind(items)
    return (Kind.LINES, item) if item else (Kind.JSON, Kind.JSON)


def _object_kind(schema: Schema) -> tuple[Kind, Kind]:
    """Names and values where every value is of one plain kind."""
    values = schema.get("additionalProperties")
    item = _item_kind(values) if isinstance(values, Mapping) and not _named(schema) else None
    return (Kind.PAIRS, item) if item else (Kind.JSON, Kind.JSON)


def _item_kind(schema: Schema) -> Kind | None:
    """Of what can be written on one line; None for everything else."""
    words, nullable = _types(schema)
    if not words and _choices(schema) and all(isinstance(one.value, str) for one in _choices(schema)):
        words = ["string"]
    if len(words) != 1 or words[0] not in SCALARS or nullable:
        return None
    return None if words == ["string"] and _text_kind(schema) is Kind.LONG_TEXT else SCALARS[words[0]]


def _choices(schema: Schema) -> tuple[Choice, ...]:
    """Of `enum`, `const`, or `oneOf`/`anyOf` with const and title; empty if it is none, or two would be sent alike."""
    found = _titled(schema)
    if found is None and isinstance(schema.get("enum"), list):
        shown = schema.get("values_display")  # Airflow's word for labels
        labels = shown if isinstance(shown, Mapping) else {}
        found = [(value, str(labels.get(_sent(value), ""))) for value in schema["enum"]]
    if found is None and "const" in schema:
        found = [(schema["const"], "")]
    choices = tuple(Choice(_sent(value), value, label or _sent(value)) for value, label in found or ())
    return choices if len({choice.sent for choice in choices}) == len(choices) else ()


def _titled(schema: Schema) -> list[tuple[Any, str]] | None:
    for word in ("oneOf", "anyOf"):
        options = schema.get(word)
        if (
            isinstance(options, list)
            and options
            and all(isinstance(one, Mapping) and "const" in one for one in options)
        ):
            return [(one["const"], str(one.get("title", ""))) for one in options]
    return None


def _sent(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _limits(schema: Schema, kind: Kind) -> str:
    """The range of a number as a sentence."""
    if kind not in (Kind.NUMBER, Kind.INTEGER):
        return ""
    low, high = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if over is not None or under is not None:
        ends = (over, "more than"), (low, "at least"), (under, "less than"), (high, "at most")
        return " and ".join(f"{words} {end:,}" for end, words in ends if end is not None).capitalize() + "."
    if low is not None and high is not None:
        return f"From {low:,} to {high:,}."
    return f"At least {low:,}." if low is not None else f"At most {high:,}." if high is not None else ""
