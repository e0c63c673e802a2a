"""Pipelines as text: read from YAML with the line of everything, written back in the same words; pure.

YAML as JSON has it: a date stays text, `yes` is no boolean, nothing is constructed, and no alias is followed.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from apps.core.errors import Invalid
from apps.retraining.definitions import below
from apps.retraining.shape import DEFAULTS, DEFINITION

LONGEST_TEXT = 1_048_576
SHORT = 90  # characters of a list or an object that stands on one line
TOP = "pipelines"
SCALARS = {"": None, "~": None, "null": None, "true": True, "false": False}
WHOLE, REAL = re.compile(r"[-+]?\d+"), re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong in a line, which counts from 1."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}"


@dataclass
class Document:
    """What a text says, where each part of it stands, and what could not be read."""

    value: Any = None
    lines: dict[str, int] = field(default_factory=dict)  # dotted path → line
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: str) -> int:
        """Of the path, or of the nearest part around it."""
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return self.lines.get(path, 1)

    def object_to(self, path: str, sentence: str) -> None:
        self.problems.append(Problem(self.line_of(path), sentence))


def read(text: str, *, beside: Path | None = None) -> tuple[dict[str, Any], Document]:
    """Slug → definition as it is written down. A schema named as a file is read from the folder `beside`.

    What is wrong stands in the document's problems.
    """
    document = parse(text)
    found = document.value.get(TOP) if isinstance(document.value, Mapping) else None
    if not isinstance(found, Mapping) or not found:
        if not document.problems:
            document.problems.append(Problem(1, "The file begins with 'pipelines:', and below it each by its slug."))
        return {}, document
    for name in document.value:
        if name != TOP:
            document.object_to(name, f"There is no {name!r} in such a file; it has 'pipelines' only.")
    return {slug: _with_schema(document, slug, said, beside) for slug, said in found.items()}, document


def parse(text: str) -> Document:
    """The text as plain values; every broken part of it is a problem with its line."""
    document = Document()
    if len(text) > LONGEST_TEXT:
        document.problems.append(Problem(1, f"The text may have {LONGEST_TEXT:,} characters."))
        return document
    try:
        alias = next((event for event in yaml.parse(text) if isinstance(event, yaml.AliasEvent)), None)
        node = yaml.compose(text, Loader=yaml.SafeLoader) if alias is None else None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        document.problems.append(_unreadable(error))
        return document
    if alias is not None:
        line = _line(alias)
        document.problems.append(Problem(line, f"Aliases (*{alias.anchor}) are not followed: write it out."))
    document.value = _value(node, "", document) if node is not None else None
    return document


def written(slug: str, definition: Mapping[str, Any]) -> str:
    """One pipeline as the text that would define it; what is the default is left out."""
    said = {name: definition[name] for name in DEFINITION["properties"] if name in definition}
    told = {name: value for name, value in said.items() if value != DEFAULTS.get(name) or name not in DEFAULTS}
    told |= {"team": said["team"], "schema": in_its_order(said["schema"])}
    ordered = {name: told[name] for name in DEFINITION["properties"] if name in told}
    return yaml.dump({TOP: {slug: ordered}}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=80)


def keeping_order(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with an `x-order` beside each `properties`: the database keeps no order of an object's names."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return dict(schema)
    inner = {name: keeping_order(part) if isinstance(part, Mapping) else part for name, part in properties.items()}
    return {"x-order": list(properties), **schema, "properties": inner}


def in_its_order(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with its parameters in the order that `x-order` keeps for it, and without that."""
    rest = {word: part for word, part in schema.items() if word not in ("x-order", "properties", "type")}
    return {"type": "object", **rest, "properties": _properties_in_order(schema)}


def _properties_in_order(schema: Mapping[str, Any]) -> dict[str, Any]:
    places = {name: place for place, name in enumerate(schema.get("x-order", []))}
    properties = schema.get("properties", {})
    names = sorted(properties, key=lambda name: places.get(name, len(places)))
    return {name: _words_first(properties[name]) for name in names}


def _words_first(part: Any) -> Any:
    """A parameter begins with what people read; an object's own parameters stand in their order."""
    if not isinstance(part, Mapping):
        return part
    first = [word for word in ("type", "title", "description") if word in part]
    rest = [word for word in part if word not in (*first, "x-order", "properties")]
    inner = {"properties": _properties_in_order(part)} if isinstance(part.get("properties"), Mapping) else {}
    return {word: part[word] for word in (*first, *rest)} | inner


def _with_schema(document: Document, slug: str, said: Any, beside: Path | None) -> Any:
    name = said.get("schema") if isinstance(said, Mapping) else None
    if not isinstance(name, str):
        return said
    path = f"{TOP}.{slug}.schema"
    if beside is None:
        document.object_to(path, f"Write the schema itself here; the file {name!r} is known to the command only.")
        return {**said, "schema": None}
    try:
        return {**said, "schema": json.loads(below(beside, name, field="schema").read_text(encoding="utf-8"))}
    except Invalid as error:
        document.object_to(path, error.message)
    except OSError:
        document.object_to(path, f"There is no file {name!r} beside this one.")
    except (ValueError, RecursionError) as error:
        document.object_to(path, f"{name} is no JSON: {str(error)[:200]}.")
    return {**said, "schema": None}


def _unreadable(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = " ".join(str(getattr(error, "problem", None) or error).split())[:200]
    return Problem(mark.line + 1 if mark else 1, f"This is no YAML: {what}.")


def _line(marked: Any) -> int:
    return int(marked.start_mark.line) + 1


def _value(node: yaml.Node, path: str, document: Document) -> Any:
    document.lines.setdefault(path, _line(node))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_value(one, _join(path, str(place)), document) for place, one in enumerate(node.value)]
    return _scalar(node, document) if isinstance(node, yaml.ScalarNode) else None


def _mapping(node: yaml.MappingNode, path: str, document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        line = _line(key)
        if not isinstance(key, yaml.ScalarNode):
            document.problems.append(Problem(line, "A name has to be plain text."))
            continue
        if key.value in found:
            document.problems.append(Problem(line, f"{key.value!r} stands here twice."))
        inner = _join(path, key.value)
        document.lines[inner] = line
        found[key.value] = _value(value, inner, document)
    return found


def _scalar(node: yaml.ScalarNode, document: Document) -> Any:
    text = str(node.value)
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.startswith("tag:yaml.org,2002:python"):
        document.problems.append(Problem(_line(node), f"Tags ({node.tag}) are not taken."))
        return text
    if node.style is not None:  # quoted, or a block of text
        return text
    if text.lower() in SCALARS:
        return SCALARS[text.lower()]
    if WHOLE.fullmatch(text) and len(text) < 20:
        return int(text)
    return float(text) if REAL.fullmatch(text) and len(text) < 40 else text


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def problems_of(document: Document, slug: str, mistakes: Mapping[str, str]) -> Sequence[Problem]:
    """Mistakes of one pipeline with their lines."""
    root = f"{TOP}.{slug}"
    return [
        Problem(document.line_of(f"{root}.{path}" if path else root), f"{slug}: {_named(path)}{sentence}")
        for path, sentence in mistakes.items()
    ]


def _named(path: str) -> str:
    return f"{path}: " if path else ""


class _Dumper(yaml.SafeDumper):
    """Short lists and objects stand on one line, a text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else _quotes(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _quotes(text: str) -> str | None:
    """What this reader would take for something else than text is quoted."""
    other = text.lower() in SCALARS or WHOLE.fullmatch(text) or REAL.fullmatch(text)
    return '"' if other else None


def _list_node(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=_is_short(values, values))


def _object_node(dumper: yaml.SafeDumper, values: dict[str, Any]) -> yaml.MappingNode:
    short = _is_short(values, values.values()) and "type" not in values
    return dumper.represent_mapping("tag:yaml.org,2002:map", values, flow_style=short)


def _is_short(whole: object, values: Iterable[Any]) -> bool:
    plain = not any(isinstance(value, dict | list) for value in values)
    return plain and len(json.dumps(whole)) <= SHORT


_Dumper.add_representer(str, _text_node)
_Dumper.add_representer(list, _list_node)
_Dumper.add_representer(dict, _object_node)
