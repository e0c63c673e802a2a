"""When the demo retrains without somebody asking: champions that have grown old, suggested until somebody switches on
that it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.demo.seeding.company import People
from apps.retraining import actions, queries
from apps.retraining.actions import PolicyTerms
from apps.retraining.queries import watching

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily

FRESHNESS = PolicyTerms(
    name="Freshness",
    trigger="age",
    parameters={"as_of": "2013-07-01"},
    after_success="propose",
    cool_down_hours=0,  # the champions of April were trained when the demo was loaded
)


def define(people: People, family: ModelFamily) -> None:
    """Unless it is there; what somebody has changed since stays changed."""
    if not watching.policies(people.scientist).filter(family=family, name=FRESHNESS.name).exists():
        pipeline = queries.pipeline(actor=people.scientist, slug="eta-ridge")
        actions.set_policy(actor=people.scientist, family=family, pipeline=pipeline, terms=FRESHNESS)
