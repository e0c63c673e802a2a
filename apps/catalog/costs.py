"""What an option costs, as a range and with its inputs: no input, no number, and free software is never free.

Pure. People's time is in weeks of five days, money in the company's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DAYS_A_WEEK = 5
RANGES = {
    "learning_days": "Days until one person can use it",
    "integration_weeks": "Weeks to connect it to what we have",
    "running_weeks": "Weeks a year to keep it running",
    "money": "Money a year: licences, machines, a provider's bill",
}
"""Inputs that are ranges: [low, high]."""
NUMBERS = {"people": "People who have to learn it", "years": "Years to look ahead", "week_rate": "Money a person-week"}
NEEDED = ("learning_days", "integration_weeks", "running_weeks", "people", "years")
"""Without one of these there is no number."""
MOST = 10_000_000


@dataclass(frozen=True)
class Range:
    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Range:
        return Range(self.low * factor, self.high * factor)

    def __str__(self) -> str:
        low, high = f"{round(self.low, 1):,g}", f"{round(self.high, 1):,g}"
        return low if low == high else f"{low}–{high}"


@dataclass(frozen=True)
class Cost:
    """`weeks` of people and `money` over `years`; `total` in money where a week's rate is given."""

    years: float
    learning: Range
    integration: Range
    running: Range
    money: Range
    total: Range | None

    @property
    def weeks(self) -> Range:
        return self.learning + self.integration + self.running


def cost_of(inputs: Mapping[str, Any]) -> Cost | None:
    """None where an input is missing; `inputs` have passed `problem_of`."""
    if missing(inputs):
        return None
    years = inputs["years"]
    learning = Range(*inputs["learning_days"]).times(inputs["people"] / DAYS_A_WEEK)
    integration = Range(*inputs["integration_weeks"])
    running = Range(*inputs["running_weeks"]).times(years)
    money = Range(*inputs.get("money") or (0, 0)).times(years)
    rate = inputs.get("week_rate")
    total = (learning + integration + running).times(rate) + money if rate else None
    return Cost(years, learning, integration, running, money, total)


def missing(inputs: Mapping[str, Any]) -> list[str]:
    """The inputs without which there is no number."""
    return [name for name in NEEDED if inputs.get(name) in (None, [], "")]


def problem_of(inputs: Mapping[str, Any]) -> str:
    """A sentence that says what is wrong with the inputs; empty when nothing is."""
    for name, value in inputs.items():
        if name not in RANGES and name not in NUMBERS:
            return f"There is no cost input {name!r}."
        if sentence := _problem(name, value):
            return sentence
    if not missing(inputs) and not _takes_time(inputs):
        return "Nothing is free: learning, connecting or running it takes somebody's time."
    return ""


def _problem(name: str, value: object) -> str:
    if name in NUMBERS:
        return "" if _is_amount(value) else f"{NUMBERS[name]}: give a number of 0 or more."
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_amount, value))
    return "" if pair and value[0] <= value[1] else f"{RANGES[name]}: give a range, the smaller number first."  # type: ignore[index]


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST


def _takes_time(inputs: Mapping[str, Any]) -> bool:
    learns = inputs["learning_days"][1] * inputs["people"]
    return bool(learns or inputs["integration_weeks"][1] or inputs["running_weeks"][1] * inputs["years"])


def weighted(criteria: list[dict[str, Any]], scores: Mapping[str, Any]) -> float | None:
    """The mean score weighted by the criteria, 0 to 5; None while a criterion has no score."""
    if not criteria or any(scores.get(criterion["name"]) is None for criterion in criteria):
        return None
    weight = sum(criterion["weight"] for criterion in criteria)
    return sum(criterion["weight"] * scores[criterion["name"]] for criterion in criteria) / weight if weight else None
