"""The same thing in other products: links of a run, a version and a segment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from apps.platforms.queries import LinkOut, links_out
from apps.retraining import queries as retraining

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily, ModelVersion
    from apps.retraining.models import SegmentRun
    from apps.tracking.models import Run

Values = dict[str, object]


def links_of_tracked(actor: User, run: Run) -> list[LinkOut]:
    """Of a run; of a segment run's with all that this knows."""
    return _links(actor, "run", run.pk, {})


def links_of_version(actor: User, version: ModelVersion) -> list[LinkOut]:
    own = retraining.version_values(version)
    if version.model.family and version.model.segment:
        own |= segment_values(version.model.family, version.model.segment.slug)
    return _links(actor, "version", version.run_id, own)


def links_of_segment(family: ModelFamily, segment: str) -> list[LinkOut]:
    return links_out(page="segment", values=lambda: segment_values(family, segment))


def segment_values(family: ModelFamily, segment: str) -> Values:
    return {"team": family.team.slug, "family": family.slug, "segment": segment, "model": f"{family.slug}.{segment}"}


def _links(actor: User, page: str, run_id: str | None, own: Values) -> list[LinkOut]:
    """`own` counts more than what the run says, and that more than nothing."""

    @cache
    def behind() -> SegmentRun | None:
        return retraining.segment_run_behind(actor, run_id)

    def values() -> Values:
        found = behind()
        said = retraining.run_values(actor, found) if found else retraining.tracked_values(actor, run_id)
        return said | own

    def ran_on() -> int | None:
        found = behind()
        return retraining.connection_of(found.request) if found else None

    return links_out(page=page, values=values, ran_on=ran_on)
