"""What platforms tell of the world: what a check over there found about a family's data becomes a signal here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog

from apps.core.errors import PortalError
from apps.platforms import actions as platforms_actions
from apps.platforms import queries as platforms
from apps.platforms.base import Happening
from apps.platforms.outgoing import Refused, Unreachable
from apps.retraining import actions
from apps.retraining.models import Pipeline

if TYPE_CHECKING:
    from apps.platforms.models import Connection
    from apps.registry.models import ModelFamily, Segment

log = structlog.get_logger(__name__)
SOURCE = "airflow"


def listen(connection_id: int) -> None:
    """Hears what happened on one platform since the last time. One that is away is heard later, and nothing is lost."""
    pipelines = _pipelines(connection_id)
    if not pipelines or platforms.is_out_of_reach(connection_id):
        return
    connection: Any = pipelines[0].connection
    try:
        heard = platforms.happenings_at(connection)
    except (Refused, Unreachable, PortalError) as error:
        log.info("retraining.listening_failed", connection=connection.name, error=str(error))
        return
    for one in heard:
        _take(one, connection, pipelines)
    if heard:
        platforms_actions.note_heard(connection_id=connection_id, until=heard[-1].at)


def _pipelines(connection_id: int) -> list[Pipeline]:
    found = Pipeline.objects.filter(connection=connection_id, is_active=True)
    wanted = found.select_related("connection__created_by").prefetch_related("families__dimension", "families__team")
    return list(wanted)


def _take(one: Happening, connection: Connection, pipelines: Sequence[Pipeline]) -> None:
    """In the name of who made the connection: they said that what this platform tells is to be heard."""
    family = _family_of(one, pipelines)
    if "verdict" not in one.said or family is None:
        return
    named = _named(one, family)
    segment = _segment(family, named)
    if named and segment is None:
        log.warning("retraining.event_of_unknown_segment", key=one.key, family=family.slug, segment=named)
        return
    try:
        actions.receive_signal(
            actor=connection.created_by,
            family=family,
            segment=segment,
            source=SOURCE,
            report={**one.said, "event": one.key, "subject": one.subject},
            observed_at=one.at,
        )
    except PortalError as error:
        log.warning("retraining.event_refused", key=one.key, family=family.slug, error=error.message)


def _family_of(one: Happening, pipelines: Sequence[Pipeline]) -> ModelFamily | None:
    """The one that it names; else the only one that its workflow retrains. Never one that nothing there retrains."""
    name = one.said.get("family")
    chosen = [pipeline for pipeline in pipelines if name or pipeline.workflow == one.workflow]
    families = {family.pk: family for pipeline in chosen for family in pipeline.families.all()}
    if name:
        return next((family for family in families.values() if family.slug == name), None)
    return next(iter(families.values())) if len(families) == 1 else None


def _named(one: Happening, family: ModelFamily) -> str:
    """The segment as the event says it; empty where it speaks of all."""
    dimension = family.dimension.slug if family.dimension else "segment"
    return str(one.said.get("segment") or one.said.get(dimension) or one.partition)


def _segment(family: ModelFamily, named: str) -> Segment | None:
    return family.dimension.segments.filter(slug=named).first() if named and family.dimension else None
