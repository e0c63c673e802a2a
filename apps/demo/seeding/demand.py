"""Daily demand: *same weekday last week* serves, and hardly any city's ridge regression is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.demo.seeding import families
from apps.demo.seeding.company import People
from apps.registry import actions as registry
from apps.registry import queries as registry_queries
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
FIRST = "The same weekday last week: until a model is better, it serves."
TAKEN_BACK = "The numbers of yesterday came late three nights in a row, and this model needs them."
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
        baselines=[BASELINE],
        freshness_days=92,
    )


def in_april(people: People, family: ModelFamily) -> None:
    """Something must serve, and nothing trained was better: the baseline itself is champion everywhere."""
    every = list(registry_queries.segments(family))
    baselines = registry.register_baseline(actor=people.forecaster, family=family, name=BASELINE, segments=every)
    families.evaluate(people.forecaster, family, baselines)
    wave = families.propose(people.forecaster, family, baselines, reason=FIRST, key="demo-demand-first")
    families.approve(people.pricing_lead, wave, "What the planners did by hand, and hard to beat.")


def in_july(people: People, family: ModelFamily) -> None:
    """Of the pilot's cities the gates let few through, and one of those is taken back."""
    cities = families.busiest(PILOT)
    request = families.retrain(
        people.forecaster, family, "demand-ridge", cities, as_of="2013-07-01", reason=RIDGE, key=KEY
    )
    wave = families.propose(people.forecaster, family, families.made_by(request), reason=RIDGE, key=KEY)
    families.approve(people.pricing_lead, wave, "Only where it is surely better.")
    promoted = [promotion.candidate for promotion in wave.promotions.filter(status="applied").order_by("id")]
    if promoted and not families.was_rolled_back(promoted[0]):
        registry.rollback(actor=people.pricing_lead, family=family, versions=promoted[:1], reason=TAKEN_BACK)
