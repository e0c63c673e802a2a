"""What gates may look at and what they answer. Nothing that training code reported is among the facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105  a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class GateSpec:
    """A gate as data: for one protected alias, or ("") for all; a setting that is not given has the kind's default."""

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    alias: str = ""


@dataclass(frozen=True)
class Signature:
    """Inputs by name with their types, and the type of the output, in MLflow's words (`double`, `string` …)."""

    inputs: Mapping[str, str]
    output: str


@dataclass(frozen=True)
class Contents:
    """What a version consists of, as it was registered: never what it says about how good it is.

    `formats` is the format of each file by its path; `signature` is None where none was declared.
    """

    formats: Mapping[str, str] = field(default_factory=dict)
    signature: Signature | None = None
    card: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """What is known of a version's training; `through` is None when its window is unknown."""

    label: str  # "v3"
    through: date | None
    untrained: bool = False  # a baseline has no training window that could leak, and nothing to reproduce
    contents: Contents = Contents()
    imported: bool = False  # from another registry, which does not say what it was trained on


@dataclass(frozen=True)
class Against:
    """A baseline's metric on the same rows; the difference is positive where the candidate is better."""

    metric: float
    difference: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Compared:
    """The numbers of a done evaluation; a difference is positive where the candidate is better."""

    first: date
    last: date
    rows: int
    days: int
    difference: float | None
    lower: float | None
    upper: float | None
    metric: float | None = None
    baselines: Mapping[str, Against] = field(default_factory=dict)

    @property
    def size(self) -> str:
        return f"{self.rows} rows on {self.days} days"


@dataclass(frozen=True)
class Facts:
    """All that gates may look at. `compared` is None while there is no done evaluation; `why_not` says why."""

    candidate: Trained
    champion: Trained | None
    compared: Compared | None
    why_not: str = ""
    unit: str = ""
    label_delay_days: int = 0
    lower_is_better: bool = True
    tier: int = 3
    baselines: tuple[str, ...] = ()
    contract: Signature | None = None
    card_fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What one gate says, with the numbers it looked at."""

    kind: str
    outcome: Outcome
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


Said = tuple[Outcome, str, dict[str, Any]]
"""What a judge answers: outcome, the sentence why, and the numbers it looked at."""
