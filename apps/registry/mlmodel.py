"""What an MLmodel file says of a model's inputs and outputs. It is YAML and is only read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from apps.artifacts.queries import files_of, open_file

if TYPE_CHECKING:
    from apps.artifacts.models import Tree

PATH = "MLmodel"
LONGEST = 1_048_576
"""Bytes; what MLflow writes has a few thousand."""
NOT_STORED = re.compile(r"\\u(0000|[dD][89a-fA-F])|[\0\ud800-\udfff]")
PARTS = ("inputs", "outputs", "params")


def signature_of(tree: Tree) -> dict[str, Any] | None:
    """`{"inputs": [...], "outputs": [...], "params": [...]}` as MLflow writes them; None where nothing says it."""
    known = files_of(tree).filter(path=PATH).first()
    if known is None or known.size > LONGEST:
        return None
    with open_file(tree=tree, path=PATH) as file:
        said = _mapping(_yaml(file.read()).get("signature"))
    return {part: _json(said.get(part)) for part in PARTS} if said else None


def _yaml(content: bytes) -> dict[str, Any]:
    try:
        return _mapping(yaml.safe_load(content))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}


def _json(text: object) -> Any:
    """MLflow keeps JSON in its YAML; what is no JSON that a database can keep says nothing."""
    try:
        said = json.loads(text, parse_constant=_refuse) if isinstance(text, str) and _storable(text) else None
        json.dumps(said, allow_nan=False)  # 1e999 is read as a number without end
        return said
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _storable(text: str) -> bool:
    return not NOT_STORED.search(text)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
