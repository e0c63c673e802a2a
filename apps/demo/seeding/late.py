"""Late arrivals: higher is better, a limit for each city, and a wave of summer models that waits for its approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.demo.seeding import families
from apps.demo.seeding.company import People
from apps.registry.gates import GateSpec

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily, Wave

FAMILY = "late-arrivals"
GOOD_ENOUGH = 0.6
"""Below this AUC a warning is hardly better than a coin, and no model is better than a bad one."""
GATES = (
    GateSpec("threshold", {"limit": GOOD_ENOUGH}),
    GateSpec("significance"),
    GateSpec("enough_data", {"rows": 30, "days": 10}),
    GateSpec("no_leakage"),
)
BUSIEST = 24
"""Where there are late trips enough to learn from; it also keeps the first start of the demo quick."""
FIRST, SUMMER = "First champions, where they rank well enough.", "Summer's thunderstorms: trained on April to June."

SUMMER_KEY = "demo-late-summer"


def found(people: People) -> ModelFamily:
    return families.found(
        admin=people.admin,
        lead=people.lead,
        slug=FAMILY,
        owner="rides-eta",
        gates=GATES,
        name="Late arrivals",
        description="How likely a flight arrives more than 15 minutes late, ranked by AUC. The trips are real flights "
        "from New York in 2013.",
        tier=2,
        metric="auc",
        direction="higher",
        evaluator="late",
        freshness_days=92,
    )


def in_april(people: People, family: ModelFamily) -> None:
    wave = _wave(people, family, as_of="2013-04-01", reason=FIRST, key="demo-late-first")
    families.approve(people.lead, wave, "Better than no warning where it ranks well.")


def in_july(people: People, family: ModelFamily) -> None:
    """What waits for a lead when the demo opens."""
    _wave(people, family, as_of="2013-07-01", reason=SUMMER, key=SUMMER_KEY)


def _wave(people: People, family: ModelFamily, *, as_of: str, reason: str, key: str) -> Wave:
    request = families.retrain(
        people.scientist, family, "late-risk-logit", as_of=as_of, reason=reason, key=key, busiest=BUSIEST
    )
    return families.propose(people.scientist, family, families.made_by(request), reason=reason, key=key)
