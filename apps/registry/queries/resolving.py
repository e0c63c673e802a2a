"""Which version serves a segment: its own, or the first that the family's fallback order finds.

Fallback exists only here: MLflow's door answers that there is no alias, rather than hand out another city's model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.text import slugify

from apps.core.errors import Missing
from apps.registry.models import Alias, ModelFamily, Segment
from apps.registry.models.family import CHAMPION
from apps.registry.queries.families import segments, segments_by_slug

if TYPE_CHECKING:
    from apps.accounts.models import User

REGION, GLOBAL = "region", "global"


@dataclass(frozen=True)
class Resolved:
    """The version for a segment; `fallback` is the segment whose it is, where the asked one has none itself."""

    segment: str
    model: str
    version: int
    version_id: int
    digest: str
    fallback: str | None


@dataclass(frozen=True)
class Resolution:
    """What an alias means now, segment by segment; `without` have no version, not even by the fallback order."""

    family: str
    alias: str
    resolved: list[Resolved]
    without: list[str]


def family_to_resolve(*, actor: User, slug: str) -> ModelFamily:
    """As little of it as an answer needs: this is asked often. Raises Missing."""
    seen = ModelFamily.objects.visible_to(actor).only("slug", "dimension", "fallback_order", "resolve_cache_seconds")
    found = seen.filter(slug=slug).first()
    if found is None:
        raise Missing("There is no model family of that name here, or you may not see it.")
    return found


def resolution(*, family: ModelFamily, alias: str, slugs: Sequence[str] = ()) -> Resolution:
    """Of the named segments, or of all. Raises Missing for a segment that the family does not have."""
    asked = segments_by_slug(family, slugs) if slugs else list(segments(family))
    places = {segment.slug: list(_places(family, segment)) for segment in asked}
    holders = _holders(family, alias, {place for tried in places.values() for place in tried})
    found = [_resolved(segment.slug, places[segment.slug], holders) for segment in asked]
    without = [segment.slug for segment, resolved in zip(asked, found, strict=True) if resolved is None]
    return Resolution(family.slug, alias, [resolved for resolved in found if resolved], without)


def _places(family: ModelFamily, segment: Segment) -> Iterator[str]:
    """Slugs of the segments that are asked, the own one first; a region has the slug of its name."""
    yield segment.slug
    for place in family.fallback_order:
        yield slugify(segment.region) if place == REGION else place


def stand_ins(family: ModelFamily, alias: str = CHAMPION) -> dict[str, int]:
    """By slug of a segment, the id of the version that would serve it if it had none of its own."""
    others = {segment.slug: list(_places(family, segment))[1:] for segment in segments(family)}
    holders = _holders(family, alias, {place for tried in others.values() for place in tried})
    found = {slug: next((place for place in tried if place in holders), None) for slug, tried in others.items()}
    return {slug: holders[place][2] for slug, place in found.items() if place}


Holder = tuple[str, int, int, str]


def _holders(family: ModelFamily, alias: str, slugs: Iterable[str]) -> dict[str, Holder]:
    """Model, number, id and digest of what the alias names, by segment."""
    rows = Alias.objects.filter(model__family=family, name=alias, model__segment__slug__in=slugs)
    fields = ("model__segment__slug", "model__name", "version__number", "version", "version__digest")
    return {slug: holder for slug, *holder in rows.values_list(*fields)}  # type: ignore[misc]


def _resolved(slug: str, places: Sequence[str], holders: dict[str, Holder]) -> Resolved | None:
    place = next((place for place in places if place in holders), None)
    if place is None:
        return None
    model, number, version, digest = holders[place]
    return Resolved(slug, model, number, version, digest, None if place == slug else place)
