"""What a version's own files say of it, read once when they are sealed. They are read as text and never loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.artifacts.queries import files_of, open_file
from apps.registry.formats import HEAD_BYTES, format_of
from apps.registry.mlmodel import NOT_STORED, signature_of

if TYPE_CHECKING:
    from apps.artifacts.models import Tree, TreeFile

SIGNATURE, PROVENANCE, CARD = "signature.json", "provenance.json", "card.json"
LONGEST = 1_048_576
"""Bytes of a file that describes; a longer one says nothing."""
LONGEST_LOOKED_INTO = 64 * 1_048_576
"""Bytes of a file whose beginning is looked at; the format of a longer one is what its name says."""
LONGEST_TEXT, LONGEST_WORD, MOST_FIELDS = 5_000, 200, 50
PROVENANCE_FIELDS = {"commit": str, "clean": bool, "lock_digest": str, "data_digest": str, "seed": int | str}


def described(tree: Tree) -> dict[str, Any]:
    """Fields of a version: `formats` of all files; `signature`, `provenance` and `card` where a file declares them.

    An MLmodel file says the signature, or `signature.json` in the same form:
    `{"inputs": [{"name": "distance_mi", "type": "double"}], "outputs": [{"type": "double"}]}`.
    """
    files = {file.path: file for file in files_of(tree)}
    return {
        "formats": {path: _format(tree, file) for path, file in files.items()},
        "signature": signature_of(tree) or _signature(_read(tree, files.get(SIGNATURE))),
        "provenance": _provenance(_read(tree, files.get(PROVENANCE))),
        "card": _card(_read(tree, files.get(CARD))),
    }


def _format(tree: Tree, file: TreeFile) -> str:
    if file.size > LONGEST_LOOKED_INTO:
        return format_of(file.path)
    with open_file(tree=tree, path=file.path) as content:
        return format_of(file.path, content.read(HEAD_BYTES))


def _read(tree: Tree, file: TreeFile | None) -> Mapping[str, Any]:
    """The JSON object of a file; what is none says nothing."""
    if file is None or file.size > LONGEST:
        return {}
    with open_file(tree=tree, path=file.path) as content:
        text = content.read().decode(errors="replace")
    try:
        read = None if NOT_STORED.search(text) else json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, Mapping) else {}


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _signature(said: Mapping[str, Any]) -> dict[str, Any] | None:
    inputs, outputs = _columns(said.get("inputs")), _columns(said.get("outputs"))
    return {"inputs": inputs, "outputs": outputs, "params": None} if inputs else None


def _columns(said: object) -> list[dict[str, Any]]:
    known = [column for column in said if isinstance(column, Mapping)] if isinstance(said, list) else []
    return [
        {"name": str(column.get("name", "")), "type": str(column.get("type", ""))}
        | ({"required": False} if column.get("required") is False else {})
        for column in known
    ]


def _provenance(said: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: said[name] for name, kind in PROVENANCE_FIELDS.items() if isinstance(said.get(name), kind)}
    return {name: value for name, value in kept.items() if len(str(value)) <= LONGEST_WORD}


def _card(said: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: text for name, text in said.items() if isinstance(text, str) and len(text) <= LONGEST_TEXT}
    return {name: text for name, text in list(texts.items())[:MOST_FIELDS] if len(name) <= LONGEST_WORD}
