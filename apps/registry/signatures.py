"""Declared inputs and outputs, as MLflow writes them or as a family's contract says them, in one form for the gates."""

from collections.abc import Mapping
from typing import Any

from apps.registry.gates import Signature

TYPES = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime", "object")
"""MLflow's own words."""
OF_TENSORS = {"float64": "double", "float32": "float", "int64": "long", "int32": "integer", "bool": "boolean"}


def declared(parts: Mapping[str, Any] | None) -> Signature | None:
    """Of a version's `{"inputs": [{"name": …, "type": …}], "outputs": [{"type": …}]}`; None where it says nothing."""
    inputs, outputs = (_columns((parts or {}).get(name)) for name in ("inputs", "outputs"))
    if not inputs:
        return None
    needed = {str(column.get("name", "")): _type(column) for column in inputs if column.get("required", True)}
    return Signature(needed, ", ".join(_type(column) for column in outputs))


def contract(settings: Mapping[str, Any] | None) -> Signature | None:
    """Of a family's `{"inputs": {name: type}, "output": type}`."""
    return Signature(settings["inputs"], settings["output"]) if settings else None


def lines_of(inputs: Mapping[str, str]) -> str:
    """One input and its type on each line, as the form of a serving contract reads them."""
    return "\n".join(f"{name}: {kind}" for name, kind in inputs.items())


def _columns(value: object) -> list[Mapping[str, Any]]:
    return [column for column in value if isinstance(column, Mapping)] if isinstance(value, list) else []


def _type(column: Mapping[str, Any]) -> str:
    tensor = column.get("tensor-spec")
    if isinstance(tensor, Mapping):
        return OF_TENSORS.get(str(tensor.get("dtype")), str(tensor.get("dtype")))
    return str(column.get("type", ""))
