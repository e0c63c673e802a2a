"""A family's gates as people read them: name, purpose, and every setting with its label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.registry.gates import KINDS, GateSpec, Setting
from apps.registry.models import ModelFamily
from apps.registry.queries.candidacies import all_gates


@dataclass(frozen=True)
class GateLine:
    """`alias` is empty for a gate that guards every protected alias; `settings` are pairs of label and words."""

    alias: str
    label: str
    help: str
    settings: tuple[tuple[str, str], ...]


def gate_lines(family: ModelFamily) -> list[GateLine]:
    """In the gates' order."""
    return [_line(gate, family.unit) for gate in all_gates(family)]


def _line(gate: GateSpec, unit: str) -> GateLine:
    kind = KINDS[gate.kind]
    values = kind.values(gate)
    settings = tuple((setting.label, words) for setting in kind.settings for words in _said(setting, values, unit))
    return GateLine(gate.alias, kind.label, kind.help, settings)


def _said(setting: Setting, values: dict[str, Any], unit: str) -> Iterator[str]:
    """Nothing for a setting that says nothing."""
    value = values[setting.name]
    if setting.type == "number" and value is not None:
        yield f"{value:g} {unit}" if setting.in_metric_unit and unit else f"{value:g}"
    elif setting.type == "choice":
        yield dict(setting.choices).get(value, value)
    elif value:
        yield value if isinstance(value, str) else ", ".join(value)
