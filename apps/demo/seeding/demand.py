"""Daily demand: *same weekday last week* serves, and hardly any city's ridge regression is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.demo.seeding import families
from apps.demo.seeding.company import People
from apps.registry.gates import GateSpec

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily

FAMILY = "daily-demand"
BASELINE = "same-weekday-last-week"
GATES = (
    GateSpec("baseline", {"baseline": BASELINE}),
    GateSpec("significance"),
    GateSpec("enough_data", {"rows": 28, "days": 10}),  # a row is a day, and February has 28
    GateSpec("no_leakage"),
)
PILOT = 20
RIDGE, KEY = (
    "A pilot in the busiest cities: ridge on the days before, the weekday and the weather.",
    "demo-demand-ridge",
)


def found(people: People) -> ModelFamily:
    return families.found(
        admin=people.admin,
        lead=people.pricing_lead,
        slug=FAMILY,
        owner="rides-pricing",
        gates=GATES,
        name="Daily demand",
        description="Flights of the next day to each destination; the error is WAPE, the share of all flights that was "
        "missed. The flights are real ones from New York in 2013.",
        tier=1,
        metric="wape",
        direction="lower",
        evaluator="demand",
        freshness_days=92,
    )


def in_july(people: People, family: ModelFamily) -> None:
    families.retrain(
        people.forecaster, family, "demand-ridge", as_of="2013-07-01", reason=RIDGE, key=KEY, busiest=PILOT
    )
