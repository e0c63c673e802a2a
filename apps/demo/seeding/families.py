"""What the stories of all families have in common; each step may run again and then changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apps.accounts.queries import team
from apps.core.errors import Missing
from apps.demo import lake
from apps.demo.seeding import workers
from apps.registry import actions as registry
from apps.registry import queries as registry_queries
from apps.registry.gates import GateSpec
from apps.retraining import actions as retraining
from apps.retraining import queries as retraining_queries

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily, ModelVersion, Wave
    from apps.retraining.models import RetrainingRequest

FIRST_LABELS, LABELS = date(2013, 4, 30), date(2013, 7, 31)
"""The champions were promoted on April; the demo opens when July's labels are in, and July is another season."""


EVERYWHERE = registry.SegmentSpec("global", "All destinations", is_fallback=True)
"""Serves destinations that have no model of their own; its training reads the trips to all of them."""


def found(*, admin: User, lead: User, slug: str, owner: str, gates: Sequence[GateSpec], **settings: Any) -> ModelFamily:
    """The family with all destinations, its rules set by a lead of its team."""
    try:
        return registry_queries.family(actor=admin, slug=slug)
    except Missing:
        family = registry.create_family(
            actor=admin, slug=slug, team=team(slug=owner), dimension="destination", **settings
        )
        registry.add_segments(actor=admin, family=family, segments=[*_destinations(), EVERYWHERE])
        registry.set_gates(actor=lead, family=family, gates=gates)
        return family


def reveal(until: date) -> None:
    """More of what happened becomes known: trips, and the flights of each day."""
    data = Path(settings.PIPELINES_DATA)
    lake.reveal(data / "lake", until)
    lake.reveal_demand(data / "demand", until)


def retrain(
    actor: User, family: ModelFamily, pipeline: str, segments: Sequence[str], *, as_of: str, reason: str, key: str
) -> RetrainingRequest:
    """To the end, evaluations included."""
    request = retraining.submit_request(
        actor=actor,
        pipeline=retraining_queries.pipeline(actor=actor, slug=pipeline),
        family=family,
        parameters={"as_of": as_of},
        segments=segments,
        reason=reason,
        key=key,
    )
    workers.train(request)
    workers.evaluate()
    return request


def busiest(count: int | None = None) -> list[str]:
    """Slugs of so many destinations, or of all."""
    return [row.slug for row in lake.destinations()[:count]]


def made_by(request: RetrainingRequest) -> list[ModelVersion]:
    runs = retraining_queries.runs_of(request).filter(status="succeeded")
    return [run.version for run in runs if run.version]


def propose(
    actor: User, family: ModelFamily, versions: Sequence[ModelVersion], *, reason: str, key: str, **more: Any
) -> Wave:
    return registry.propose(actor=actor, family=family, versions=versions, reason=reason, key=key, **more)


def has_wave(actor: User, family: ModelFamily, key: str) -> bool:
    return registry_queries.waves(actor).filter(family=family, key=key).exists()


def approve(actor: User, wave: Wave, note: str) -> None:
    if wave.status == wave.Status.PROPOSED:
        registry.approve(actor=actor, wave=wave, digest=wave.digest, note=note)


def was_rolled_back(version: ModelVersion) -> bool:
    return registry_queries.alias_history(version.model).filter(kind="rollback").exists()


def look_again(actor: User, family: ModelFamily) -> None:
    """How the champions do on the newest month; asking twice evaluates once."""
    places = [place.slug for place in registry_queries.places(family)]
    champions = [row.champion.id for row in registry_queries.fleet(family, segments=places) if row.champion]
    evaluate(actor, family, registry_queries.versions_by_id(actor=actor, ids=champions))
    if registry_queries.worth(family).has_shared:
        registry.compare_with_shared(actor=actor, family=family)
        workers.evaluate()


def evaluate(actor: User, family: ModelFamily, versions: Sequence[ModelVersion]) -> None:
    window = registry_queries.newest_window(family)
    if window and versions:
        registry.request_evaluations(
            actor=actor, family=family, candidates=versions, window_first=window.first, window_last=window.last
        )
        workers.evaluate()


def _destinations() -> list[registry.SegmentSpec]:
    return [
        registry.SegmentSpec(row.slug, row.city, row.region, row.latitude, row.longitude) for row in lake.destinations()
    ]
