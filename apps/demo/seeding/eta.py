"""Trip ETA: champions really trained on January to March, and a July in which they are out of season."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.demo.seeding import families
from apps.demo.seeding.company import People
from apps.registry.gates import GateSpec

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily

FAMILY = "eta-trip"
MARGIN = 0.1
"""Required gain in minutes, about 1 % of a champion's error: keeps merely re-drawn models at 5 to 6 %."""
GATES = (
    GateSpec("significance", {"margin": MARGIN}),
    GateSpec("enough_data", {"rows": 30, "days": 10}),
    GateSpec("no_leakage"),
)
CONTRACT = {
    "inputs": {"origin": "string", "carrier": "string", "hour": "long"}
    | dict.fromkeys(("distance_mi", "dep_delay_min", "temp_f", "wind_mph", "precip_in", "visibility_mi"), "double"),
    "output": "double",
}
FIRST = "First champions: January to March."
KEY = "demo-first-champions"
SHARED = "One model for all destinations: it serves those that have none, and says what a model of their own is worth."
SHARED_KEY = "demo-shared-model"


def found(people: People) -> ModelFamily:
    return families.found(
        admin=people.admin,
        lead=people.lead,
        slug=FAMILY,
        owner="rides-eta",
        gates=GATES,
        name="Trip ETA",
        description="Minutes in the air to each destination. The trips are real flights from New York in 2013.",
        tier=1,
        metric="mae",
        unit="min",
        direction="lower",
        evaluator="eta",
        baselines=["median-of-3-months"],
        on_call=[people.lead],
        serving_contract=CONTRACT,
        fallback_order=[families.EVERYWHERE.slug],
        freshness_days=92,
    )


def in_april(people: People, family: ModelFamily) -> None:
    """The first champions, by the way that everybody goes: request, evaluation, wave, a lead's approval."""
    everywhere = [families.EVERYWHERE.slug]
    april = {"as_of": "2013-04-01"}
    promoted(people, family, families.busiest(), **april, reason=FIRST, key=KEY, note="Nothing serves yet.")
    promoted(people, family, everywhere, **april, reason=SHARED, key=SHARED_KEY, note="Better than no answer.")
    families.look_again(people.scientist, family)


def promoted(
    people: People, family: ModelFamily, segments: Sequence[str], *, as_of: str, reason: str, key: str, note: str
) -> None:
    """Trained, evaluated, proposed and approved."""
    request = families.retrain(people.scientist, family, "eta-ridge", segments, as_of=as_of, reason=reason, key=key)
    wave = families.propose(people.scientist, family, families.made_by(request), reason=reason, key=key)
    families.approve(people.lead, wave, note)
