"""The families' stories in the order of the calendar: founded, champions in April, and what July brings."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from apps.demo.seeding import demand, eta, families, late, pipelines, policies
from apps.demo.seeding.company import People
from apps.registry import actions as registry
from apps.registry import queries as registry_queries

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily

Owned = dict[str, "ModelFamily"]
LAST = late.SUMMER_KEY
"""The last thing that is told: when it is there, so is all before it."""


def seed(people: People) -> None:
    """Does what is not done yet; a seed that was interrupted goes on where it stopped."""
    owned = {story.FAMILY: story.found(people) for story in (eta, late, demand)}
    pipelines.define(people)
    if not families.has_wave(people.admin, owned[late.FAMILY], LAST):
        owned = _tell(people, owned)
    look_again(people, owned)
    policies.define(people, owned[eta.FAMILY])


def _tell(people: People, owned: Owned) -> Owned:
    owned = reveal(people, owned, families.FIRST_LABELS)
    eta.in_april(people, owned[eta.FAMILY])
    late.in_april(people, owned[late.FAMILY])
    demand.in_april(people, owned[demand.FAMILY])
    owned = reveal(people, owned, families.LABELS)
    demand.in_july(people, owned[demand.FAMILY])
    late.in_july(people, owned[late.FAMILY])
    return owned


def known(people: People) -> Owned:
    return {
        story.FAMILY: registry_queries.family(actor=people.admin, slug=story.FAMILY) for story in (eta, late, demand)
    }


def reveal(people: People, owned: Owned, until: date) -> Owned:
    """More is labelled; a family that knows more already forgets nothing."""
    families.reveal(until)
    return {slug: _label(people, family, until) for slug, family in owned.items()}


def look_again(people: People, owned: Owned) -> None:
    for slug, family in owned.items():
        actor = people.forecaster if slug == demand.FAMILY else people.scientist
        families.look_again(actor, family)


def _label(people: People, family: ModelFamily, until: date) -> ModelFamily:
    if family.labelled_until and family.labelled_until >= until:
        return family
    lead = people.pricing_lead if family.slug == demand.FAMILY else people.lead
    return registry.set_labelled_until(actor=lead, family=family, day=until)
