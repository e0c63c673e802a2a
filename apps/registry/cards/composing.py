"""A card out of what people wrote and what the record says: training run, evaluation, signature, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from apps.core.figures import number
from apps.registry.cards.fields import FIELDS, SECTIONS, Field


@dataclass(frozen=True)
class Slice:
    """A metric on some rows; `of` says which, bounds are a 90 % interval."""

    of: str
    value: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Performance:
    """What an evaluation measured."""

    metric: str
    unit: str
    evaluator: str
    first: date
    last: date
    rows: int
    days: int
    digest: str
    own: Slice
    champion: str = ""  # its label
    difference: Slice | None = None
    baseline_name: str = ""
    baseline: float | None = None
    classifies: bool = False
    others: tuple[Slice, ...] = ()  # of a family: its segments
    worse: int = 0  # of these, worse than the baseline

    @property
    def window(self) -> str:
        return f"{self.first:%-d %b} – {self.last:%-d %b %Y}"


@dataclass(frozen=True)
class Facts:
    """What the record knows; empty where it does not."""

    name: str
    model: str
    overview: str = ""
    owners: tuple[str, ...] = ()
    version: str = ""
    made_on: date | None = None
    digest: str = ""
    references: tuple[str, ...] = ()
    architecture: str = ""
    library: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    training_data: str = ""
    datasets: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    tags: tuple[str, ...] = ()
    performance: Performance | None = None


@dataclass(frozen=True)
class Said:
    """A field with its text as Markdown; `source` is record, version, family, or empty where nobody says it."""

    field: Field
    text: str
    source: str
    required: bool

    @property
    def is_missing(self) -> bool:
        return self.required and not self.text


@dataclass(frozen=True)
class Card:
    facts: Facts
    said: tuple[Said, ...]
    more: Mapping[str, str]  # texts under names of their own
    digest: str  # of what people wrote on it, for whoever edits it

    @property
    def sections(self) -> list[tuple[str, list[Said]]]:
        return [(title, [one for one in self.said if one.field.section == title]) for title in SECTIONS]

    @property
    def filled(self) -> int:
        return sum(bool(one.text) for one in self.said)

    @property
    def share(self) -> int:
        """Percent of all fields that say something."""
        return round(100 * self.filled / len(self.said))

    @property
    def missing(self) -> list[str]:
        """Labels of what is asked for and nobody said."""
        asked = [one.field.label for one in self.said if one.is_missing]
        return asked + [name for name, text in self.more.items() if not text]

    def text(self, name: str) -> str:
        return next((one.text for one in self.said if one.field.name == name), "")


def composed(
    facts: Facts, *, of_version: Mapping[str, str], of_family: Mapping[str, str], required: Sequence[str], digest: str
) -> Card:
    """People's words come before the record's; nobody's words replace what is only recorded."""
    record = recorded(facts)
    said = tuple(_said(one, record, of_version, of_family, required) for one in FIELDS)
    names = {one.name for one in FIELDS}
    more = {name: text for name, text in {**of_family, **of_version}.items() if name not in names and text.strip()}
    absent = {name: "" for name in required if name not in names and name not in more}
    return Card(facts, said, more | absent, digest)


def recorded(facts: Facts) -> dict[str, str]:
    """The text of each field that the record knows."""
    found = facts.performance
    texts = {
        "overview": facts.overview,
        "owners": ", ".join(facts.owners),
        "version": _version(facts),
        "references": "\n".join(f"- {one}" for one in facts.references),
        "architecture": facts.architecture,
        "parameters": "\n".join(f"- `{name}`: {value}" for name, value in facts.parameters.items()),
        "training_data": _joined(facts.training_data, *facts.datasets),
        "evaluation_data": _rows(found) if found else "",
        "input_format": ", ".join(f"`{name}` {kind}".strip() for name, kind in facts.inputs.items()),
        "output_format": facts.output,
        "performance": _performance(found) if found else "",
        "against_champion": _against_champion(found) if found else "",
        "against_baseline": _against_baseline(found) if found else "",
    }
    return {name: text for name, text in texts.items() if text}


def _said(
    one: Field,
    record: Mapping[str, str],
    of_version: Mapping[str, str],
    of_family: Mapping[str, str],
    required: Sequence[str],
) -> Said:
    said = {"version": of_version.get(one.name, ""), "family": of_family.get(one.name, "")}
    words = {} if one.recorded else said
    known = {**words, "record": record.get(one.name, "")}
    source = next((name for name, text in known.items() if text.strip()), "")
    return Said(one, known.get(source, ""), source, one.name in required)


def _version(facts: Facts) -> str:
    day = f"{facts.made_on:%-d %b %Y}" if facts.made_on else ""
    digest = f"digest `{facts.digest[:12]}`" if facts.digest else ""
    return _joined(facts.version, day, digest)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _rows(found: Performance) -> str:
    size = f"{found.rows} rows on {found.days} days" if found.rows else ""
    digest = f"data `{found.digest[:19]}`" if found.digest else ""
    return _joined(found.window, size, digest)


def _performance(found: Performance) -> str:
    first = f"{found.metric.upper()} {_measure(found, found.own.value)}{_bounds(found.own)} on {found.own.of}"
    lines = [f"- {one.of}: {_measure(found, one.value)}" for one in found.others]
    return "\n".join([f"{first}.", "", *lines]) if lines else f"{first}."


def _against_champion(found: Performance) -> str:
    if found.difference is None:
        return "" if found.others else "It was evaluated alone: no other version served then, or it served itself."
    return f"{_measure(found, found.difference.value)} better than {found.champion}{_bounds(found.difference)}."


def _against_baseline(found: Performance) -> str:
    if found.baseline is None:
        return ""
    name = found.baseline_name or "The plain baseline"
    said = f"{name} has {_measure(found, found.baseline)} on the same rows"
    return f"{said}; {found.worse} of {len(found.others)} champions are worse." if found.others else f"{said}."


def _measure(found: Performance, value: float) -> str:
    return f"{number(value)} {found.unit}".strip()


def _bounds(one: Slice) -> str:
    return "" if one.lower is None else f" (90 % interval {number(one.lower)} to {number(one.upper)})"
