"""Reads of families and their segments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.accounts.queries import leads_of
from apps.core.errors import Missing
from apps.registry.models import Alias, Dimension, ModelFamily, ModelVersion, Segment, Wave
from apps.registry.models.family import CHAMPION, NO_DIMENSION, FamilyQuerySet, SegmentQuerySet
from apps.registry.signatures import declared, lines_of

if TYPE_CHECKING:
    from apps.accounts.models import User


NO_FAMILY = "There is no model family of that name here, or you may not see it."


def families(actor: User) -> FamilyQuerySet:
    """By name, each with `segment_count`, `champion_count` and `open_wave_count`."""
    served = Alias.objects.exclude(model__segment__is_fallback=True)
    champions = served.filter(model__family=OuterRef("pk"), name=CHAMPION).order_by()
    counted = champions.values("model__family").annotate(n=Count("pk")).values("n")
    segments = Segment.objects.served().filter(dimension=OuterRef("dimension")).order_by()
    of_dimension = segments.values("dimension").annotate(n=Count("pk")).values("n")
    waves = Wave.objects.filter(family=OuterRef("pk"), status__in=Wave.OPEN).order_by()
    open_waves = waves.values("family").annotate(n=Count("pk")).values("n")
    return (
        ModelFamily.objects.visible_to(actor)
        .select_related("team", "dimension", "created_by")
        .prefetch_related("gates", "approvers", "protected_aliases")
        .annotate(
            segment_count=_or_zero(of_dimension),
            champion_count=_or_zero(counted),
            open_wave_count=_or_zero(open_waves),
        )
        .order_by("name")
    )


def family(*, actor: User, slug: str) -> ModelFamily:
    """Raises Missing."""
    found = families(actor).filter(slug=slug).first() if "\0" not in slug else None
    if found is None:
        raise Missing(NO_FAMILY)
    return found


def families_seen(actor: User) -> FamilyQuerySet:
    """As a part of another query, of rows that belong to families."""
    return ModelFamily.objects.visible_to(actor).order_by()


def families_named(*, actor: User, slugs: Sequence[str]) -> list[ModelFamily]:
    """As they are, without what a page needs. Raises Missing."""
    named = [slug for slug in slugs if "\0" not in slug]
    found = list(ModelFamily.objects.visible_to(actor).filter(slug__in=named))
    if len(found) < len(set(slugs)):
        raise Missing(NO_FAMILY)
    return found


def dimensions() -> list[str]:
    """Slugs of what segments can be."""
    return list(Dimension.objects.exclude(slug=NO_DIMENSION).order_by("slug").values_list("slug", flat=True))


def restricted_families(slugs: Iterable[str]) -> set[str]:
    """Those of them that not everybody may read."""
    return set(
        ModelFamily.objects.filter(slug__in=set(slugs))
        .exclude(visibility=ModelFamily.Visibility.EVERYONE)
        .values_list("slug", flat=True)
    )


def segments(family: ModelFamily) -> SegmentQuerySet:
    """What the family serves, by name: the segments of its dimension, without the places of a fallback order."""
    return places(family).served()


def places(family: ModelFamily) -> SegmentQuerySet:
    """All that the family can have models of, by name: its segments, and the places of a fallback order."""
    return Segment.objects.filter(dimension=family.dimension_id).select_related("dimension").order_by("name", "slug")


def segments_by_slug(family: ModelFamily, slugs: Iterable[str]) -> list[Segment]:
    """In the order of the slugs, each once. Raises Missing naming those that are not there."""
    wanted = list(dict.fromkeys(slugs))
    known = {place.slug: place for place in places(family).filter(slug__in=wanted)}
    if absent := [slug for slug in wanted if slug not in known]:
        raise Missing(f"{family} has no segment {', '.join(absent[:5])}.")
    return [known[slug] for slug in wanted]


def shared_names(family: ModelFamily) -> set[str]:
    """Names that several segments have: there, the slug has to be said too."""
    counted = segments(family).order_by().values("name").annotate(n=Count("pk")).filter(n__gt=1)
    return set(counted.values_list("name", flat=True))


@dataclass(frozen=True)
class DeclaredContract:
    """What a version says of itself that a serving contract could say: its inputs, one on a line, and its answer."""

    version: ModelVersion
    lines: str
    output: str


def declared_contract(family: ModelFamily) -> DeclaredContract | None:
    """Of the newest version that declares its inputs; None where none does."""
    saying = ModelVersion.objects.whole().filter(model__family=family, signature__isnull=False)
    version = saying.filter(status=ModelVersion.Status.READY).order_by("-pk").first()
    signature = declared(version.signature) if version else None
    if version is None or signature is None:
        return None
    return DeclaredContract(version, lines_of(signature.inputs), signature.output)


def approvers(family: ModelFamily) -> list[User]:
    """Who may approve its promotions, by name; nobody where none is needed. Authors are among them, and refused."""
    if not family.approvals:
        return []
    people = {person.pk: person for person in (*leads_of(family.team), *family.approvers.all())}
    return sorted(people.values(), key=str)


def _or_zero(rows: QuerySet[Any, Any]) -> Coalesce:
    return Coalesce(Subquery(rows, output_field=IntegerField()), 0)
