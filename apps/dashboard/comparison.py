"""Two to six versions side by side, line by line. Pure: from what is known of each to what a page shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.core.figures import number
from apps.registry.queries import schema_of

if TYPE_CHECKING:
    from apps.registry.models import ModelVersion
    from apps.tracking.queries import Origin

NOTHING = "–"


@dataclass(frozen=True)
class Line:
    """One fact of every version, as text, in the order of the columns."""

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1

    @property
    def odd(self) -> tuple[bool, ...]:
        """Which columns say something else than the first."""
        return tuple(value != self.values[0] for value in self.values)

    @property
    def cells(self) -> list[tuple[str, bool]]:
        return list(zip(self.values, self.odd, strict=True))


@dataclass(frozen=True)
class Group:
    """Lines about one thing; `same` is how many of them say the same of every version."""

    title: str
    note: str
    lines: tuple[Line, ...]

    @property
    def same(self) -> int:
        return sum(not line.differs for line in self.lines)

    def only_differences(self) -> Group:
        return Group(self.title, self.note, tuple(line for line in self.lines if line.differs))


@dataclass(frozen=True)
class Known:
    """All that lines are made of: the version, what its run logged (None: not here), what it reported."""

    version: ModelVersion
    origin: Origin | None
    reported: Mapping[str, float]


def groups(known: Sequence[Known]) -> list[Group]:
    """Those that have at least one line."""
    made = (
        Group("Training", "The days it was trained on, by what and by whom.", _training(known)),
        Group("Code and data", "What its files and its run say it was made from.", _sources(known)),
        Group("Parameters", "", _by_name([parameters(one.version) for one in known])),
        Group("Inputs and output", "As each declares them, beside its family's serving contract.", _schema(known)),
        Group("Files", "Formats by path, and the digest of all of it.", _files(known)),
        Group("Tags", "", _by_name([one.version.tags for one in known])),
        Group("Reported", "What training said of itself. It decides nothing.", _reported(known)),
    )
    return [group for group in made if group.lines]


def parameters(version: ModelVersion) -> Mapping[str, Any]:
    """Of its plan; of a version from elsewhere what training said."""
    return version.parameters or version.reported_params


def as_text(value: Any) -> str:
    """A list reads as its items, everything else as JSON without the quotes."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def commit_of(one: Known) -> str:
    """Of its own files; else what the run was tagged with."""
    return str(one.version.provenance.get("commit") or (one.origin.commit if one.origin else ""))


def datasets_of(one: Known) -> str:
    used = one.origin.datasets if one.origin else ()
    return ", ".join(f"{data.name} {data.digest}" for data in used)


def _training(known: Sequence[Known]) -> tuple[Line, ...]:
    versions = [one.version for one in known]
    return _lines(
        ("Kind", [version.get_kind_display() for version in versions]),
        ("Pipeline", [version.pipeline for version in versions]),
        ("From", [_day(version.trained_from) for version in versions]),
        ("Through", [_day(version.trained_through) for version in versions]),
        ("Registered", [f"{version.created_at:%-d %b %Y %H:%M}" for version in versions]),
        ("By", [str(version.created_by) for version in versions]),
        ("Description", [version.description for version in versions]),
    )


def _sources(known: Sequence[Known]) -> tuple[Line, ...]:
    said = [one.version.provenance for one in known]
    return _lines(
        ("Run", [one.origin.name if one.origin else one.version.run_ref for one in known]),
        ("Commit", [commit_of(one) for one in known]),
        ("Clean", [{True: "yes", False: "no"}.get(one.get("clean"), "") for one in said]),
        ("Locked dependencies", [str(one.get("lock_digest", "")) for one in said]),
        ("Data digest", [str(one.get("data_digest", "")) for one in said]),
        ("Data sets", [datasets_of(one) for one in known]),
        ("Seed", [str(one.get("seed", "")) for one in said]),
    )


def _schema(known: Sequence[Known]) -> tuple[Line, ...]:
    schemas = [schema_of(one.version) for one in known]
    if not any(schemas):
        return ()
    inputs = _by_name([schema.inputs if schema else {} for schema in schemas])
    output = Line("output", tuple(schema.output or NOTHING if schema else NOTHING for schema in schemas))
    fit = Line("Serving contract", tuple(schema.fit if schema else "Declares nothing." for schema in schemas))
    return (*inputs, output, fit)


def _files(known: Sequence[Known]) -> tuple[Line, ...]:
    digest = Line("Digest", tuple(one.version.digest[:12] or NOTHING for one in known))
    return (*_by_name([one.version.formats for one in known]), digest)


def _reported(known: Sequence[Known]) -> tuple[Line, ...]:
    return _by_name([{name: number(value) for name, value in one.reported.items()} for one in known])


def _by_name(said: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """A line for each name that any of them has, by name."""
    names = sorted({name for one in said for name in one})
    return tuple(Line(name, tuple(as_text(one[name]) if name in one else NOTHING for one in said)) for name in names)


def _lines(*rows: tuple[str, Iterable[str]]) -> tuple[Line, ...]:
    """Without those that nobody says anything about."""
    made = (Line(name, tuple(value or NOTHING for value in values)) for name, values in rows)
    return tuple(line for line in made if set(line.values) != {NOTHING})


def _day(value: Any) -> str:
    return f"{value:%-d %b %Y}" if value else ""
