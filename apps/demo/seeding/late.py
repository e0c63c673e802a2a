"""Late arrivals: higher is better, a limit for each city, and a wave of summer models that waits for its approval."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from apps.demo.seeding import families
from apps.demo.seeding.company import People
from apps.registry import actions as registry
from apps.registry import queries as registry_queries
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

STAGING = "staging"
ALIASES = (registry.AliasSpec(STAGING, approvals_needed=0), registry.AliasSpec("champion"))
HOLIDAY = "Independence Day: half of the team is away, and the roads are full."
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
        aliases=ALIASES,
        baselines=["usual-share-of-the-hour"],
    )


def in_april(people: People, family: ModelFamily) -> None:
    wave = _wave(people, family, as_of="2013-04-01", reason=FIRST, key="demo-late-first")
    families.approve(people.lead, wave, "Better than no warning where it ranks well.")


def in_july(people: People, family: ModelFamily) -> None:
    """What waits for a lead when the demo opens."""
    _freeze_over_a_holiday(people, family)
    _wave(people, family, as_of="2013-07-01", reason=SUMMER, key=SUMMER_KEY)


def _wave(people: People, family: ModelFamily, *, as_of: str, reason: str, key: str) -> Wave:
    """First to staging, which needs nobody; what stands there may become champion, and that somebody approves."""
    cities = families.busiest(BUSIEST)
    request = families.retrain(people.scientist, family, "late-risk-logit", cities, as_of=as_of, reason=reason, key=key)
    made = families.made_by(request)
    staged = families.propose(people.scientist, family, made, reason=reason, key=f"{key}-{STAGING}", alias=STAGING)
    passed = [promotion.candidate for promotion in staged.promotions.filter(status="applied").order_by("id")]
    families.evaluate(people.scientist, family, passed)
    return families.propose(people.scientist, family, passed, reason=reason, key=key)


def _freeze_over_a_holiday(people: People, family: ModelFamily) -> None:
    """One that has ended stays in the history, with the reason of both ends."""
    if registry_queries.freezes(people.lead).filter(family=family).exists():
        return
    holiday = registry.freeze(
        actor=people.lead, family=family, reason=HOLIDAY, until=timezone.now() + timedelta(days=3)
    )
    registry.lift_freeze(actor=people.lead, freeze=holiday, reason="Everybody is back.")
