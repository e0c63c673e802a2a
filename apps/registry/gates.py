"""The gates of a promotion as pure functions: facts in, verdicts with their numbers and a sentence out.

Nothing that training code reported is among the facts.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from apps.core.errors import Invalid

SIGNIFICANCE, ENOUGH_DATA, NO_LEAKAGE = "significance", "enough_data", "no_leakage"
NO_CHAMPION = "There is no champion yet, so nothing to be better than."


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105  a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class GateSpec:
    """A gate as data; settings that are not given have the kind's default."""

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def number(self, name: str) -> float:
        return self.settings.get(name, SETTINGS[self.kind][name])


@dataclass(frozen=True)
class Trained:
    """What is known of a version's training; `through` is None when its window is unknown."""

    label: str  # "v3"
    through: date | None
    untrained: bool = False  # a baseline has no training window that could leak


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


@dataclass(frozen=True)
class Facts:
    """All that gates may look at. `compared` is None while there is no done evaluation; `why_not` says why."""

    candidate: Trained
    champion: Trained | None
    compared: Compared | None
    why_not: str = ""
    unit: str = ""
    label_delay_days: int = 0


@dataclass(frozen=True)
class Verdict:
    """What one gate says, with the numbers it looked at."""

    kind: str
    outcome: Outcome
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


SETTINGS: dict[str, dict[str, float]] = {
    SIGNIFICANCE: {"margin": 0.0},  # in the metric's unit: how much better than "better" it must be
    ENOUGH_DATA: {"rows": 30, "days": 10},
    NO_LEAKAGE: {},
}
DEFAULT_GATES = tuple(GateSpec(kind) for kind in SETTINGS)


def judge(facts: Facts, gates: Sequence[GateSpec]) -> list[Verdict]:
    """One verdict per gate, in the gates' order. Without an evaluation nothing passes."""
    if facts.compared is None:
        sentence = facts.why_not or "It has not been evaluated against the champion on the newest month."
        return [Verdict(gate.kind, Outcome.INCONCLUSIVE, sentence) for gate in gates]
    return [JUDGES[gate.kind](facts, facts.compared, gate) for gate in gates]


def passes(verdicts: Sequence[Verdict]) -> bool:
    return all(verdict.outcome is Outcome.PASS for verdict in verdicts)


def objections(verdicts: Sequence[Verdict]) -> str:
    """Why not, in the gates' own sentences; empty when all pass."""
    return " ".join(verdict.sentence for verdict in verdicts if verdict.outcome is not Outcome.PASS)


def day(moment: date) -> str:
    """`31 Jul 2013`, as sentences say a day."""
    return f"{moment:%-d %b %Y}"


def check_gates(gates: Sequence[GateSpec]) -> None:
    """Raises Invalid for a gate or a setting that is not known, or a value that makes no sense."""
    kinds = [gate.kind for gate in gates]
    if len(set(kinds)) < len(kinds):
        raise Invalid("A family has each gate once.", field="gates")
    for gate in gates:
        _check_gate(gate)


def _check_gate(gate: GateSpec) -> None:
    if gate.kind not in SETTINGS:
        raise Invalid(f"There is no gate {gate.kind!r}; choose from {', '.join(SETTINGS)}.", field="gates")
    for name, value in gate.settings.items():
        if name not in SETTINGS[gate.kind]:
            raise Invalid(f"The gate {gate.kind!r} has no setting {name!r}.", field=f"gates.{gate.kind}.{name}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise Invalid(f"{name} must be a number of 0 or more.", field=f"gates.{gate.kind}.{name}")


def _significance(facts: Facts, compared: Compared, gate: GateSpec) -> Verdict:
    if facts.champion is None:
        return Verdict(gate.kind, Outcome.PASS, NO_CHAMPION)
    margin = gate.number("margin")
    numbers = {"difference": compared.difference, "lower": compared.lower, "upper": compared.upper, "margin": margin}
    outcome, sentence = _compare(facts, compared, facts.champion, margin)
    return Verdict(gate.kind, outcome, sentence, numbers)


def _compare(facts: Facts, compared: Compared, champion: Trained, margin: float) -> tuple[Outcome, str]:
    """Better is proven when the lower bound clears the margin, and disproven when the upper one does not."""
    if compared.difference is None or compared.lower is None or compared.upper is None:
        return Outcome.INCONCLUSIVE, f"There are too few days to say whether it is better than {champion.label}."
    wanted = f"more than {_amount(margin, facts.unit)}" if margin else ""
    interval = f"90 % interval {_figure(compared.lower)} to {_amount(compared.upper, facts.unit)}"
    found = f"{_amount(abs(compared.difference), facts.unit)} {_word(compared.difference)} than {champion.label}"
    if compared.lower > margin:
        return Outcome.PASS, f"It is {found} ({interval})."
    if compared.upper <= margin:
        lacks = f"not better by {wanted}" if wanted else "not better"
        return Outcome.FAIL, f"It is {found}, {lacks} ({interval}): keep the champion."
    unproven = f": {wanted} is not proven" if wanted else ""
    return Outcome.INCONCLUSIVE, f"It is {found}, but that may be chance{unproven} ({interval})."


def _enough_data(facts: Facts, compared: Compared, gate: GateSpec) -> Verdict:
    if facts.champion is None:
        return Verdict(gate.kind, Outcome.PASS, NO_CHAMPION, {"rows": compared.rows, "days": compared.days})
    rows, days = gate.number("rows"), gate.number("days")
    numbers = {"rows": compared.rows, "days": compared.days, "rows_needed": rows, "days_needed": days}
    found = f"{compared.rows} rows on {compared.days} days"
    if compared.rows >= rows and compared.days >= days:
        return Verdict(gate.kind, Outcome.PASS, f"It was compared on {found}.", numbers)
    sentence = f"Only {found} of the {rows:g} rows and {days:g} days needed: keep the champion."
    return Verdict(gate.kind, Outcome.INCONCLUSIVE, sentence, numbers)


def _no_leakage(facts: Facts, compared: Compared, gate: GateSpec) -> Verdict:
    """A label of day d is known `label_delay_days` later: training must end that long before the window begins."""
    latest = compared.first - timedelta(days=facts.label_delay_days + 1)
    versions = [facts.candidate] + ([facts.champion] if facts.champion else [])
    numbers = {version.label: version.through and str(version.through) for version in versions}
    leaks = [leak for version in versions if (leak := _leak(version, latest, compared.first))]
    if leaks:
        return Verdict(gate.kind, Outcome.FAIL, " ".join(leaks), numbers | {"latest": str(latest)})
    sentence = f"Training ended before {day(compared.first)}, when the evaluation begins."
    return Verdict(gate.kind, Outcome.PASS, sentence, numbers | {"latest": str(latest)})


def _leak(version: Trained, latest: date, first: date) -> str:
    if version.untrained:
        return ""
    if version.through is None:
        return f"Nobody knows what {version.label} was trained on, so it can not be judged on {day(first)} and later."
    if version.through > latest:
        trained = f"{version.label} was trained through {day(version.through)}"
        return f"{trained}; evaluated from {day(first)}, it may go to {day(latest)}."
    return ""


JUDGES: dict[str, Callable[[Facts, Compared, GateSpec], Verdict]] = {
    SIGNIFICANCE: _significance,
    ENOUGH_DATA: _enough_data,
    NO_LEAKAGE: _no_leakage,
}


def _word(difference: float) -> str:
    return "better" if difference >= 0 else "worse"


def _amount(value: float, unit: str) -> str:
    return f"{_figure(value)} {unit}" if unit else _figure(value)


def _figure(value: float) -> str:
    """Three digits are what an interval can carry, and whole numbers stay whole; a minus sign as people write it."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "−")
