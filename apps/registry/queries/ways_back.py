"""Where a rollback would lead: to what the promotion of the present champion replaced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.registry.models import Alias, AliasMove, ModelFamily, ModelVersion
from apps.registry.models.family import CHAMPION
from apps.registry.queries.candidacies import champion_is, champions


@dataclass(frozen=True)
class WayBack:
    """The version that is taken back and the one that serves again; without one, `refusal` says why."""

    version: ModelVersion
    back_to: ModelVersion | None
    refusal: str

    @property
    def name(self) -> str:
        return self.version.model.its_segment.name


def ways_back(family: ModelFamily, segments: Iterable[str], alias: str = CHAMPION) -> list[WayBack]:
    """Of the champions of these segments (slugs), by name; segments without a champion are not in it."""
    aliases = Alias.objects.filter(model__family=family, model__segment__slug__in=list(segments), name=alias)
    ids = aliases.order_by("model__segment__name").values_list("version", flat=True)
    return ways_back_from(ids, alias)


def ways_back_from(ids: Iterable[int], alias: str = CHAMPION) -> list[WayBack]:
    """Of these versions, in their order: one that is the champion no more has no way back."""
    ids = list(ids)
    rows = ModelVersion.objects.whole().select_related("tree").in_bulk(ids)
    versions = [rows[pk] for pk in dict.fromkeys(ids)]
    now, before = champions([version.model_id for version in versions], alias), _replaced(versions, alias)
    return [_way_back(version, now.get(version.model_id), before.get(version.pk), alias) for version in versions]


def _replaced(versions: Sequence[ModelVersion], alias: str) -> dict[int, ModelVersion]:
    """By version, what its promotion replaced: so going back twice goes back further, not forth again."""
    moves = AliasMove.objects.filter(after__in=versions, name=alias, kind=AliasMove.Kind.PROMOTION)
    newest = moves.order_by("after", "-id").distinct("after").values_list("after", "before")
    target = {after: before for after, before in newest if before}
    rows = ModelVersion.objects.whole().select_related("tree").in_bulk(target.values())
    return {after: rows[before] for after, before in target.items()}


def _way_back(version: ModelVersion, current: ModelVersion | None, before: ModelVersion | None, alias: str) -> WayBack:
    city = version.model.segment
    if current != version:
        return WayBack(version, None, f"{city}: {champion_is(current)}, not {version.label}; nothing to take back.")
    if before is None:
        return WayBack(version, None, f"{city}: {version.label} is its first {alias}; there is nothing to go back to.")
    return WayBack(version, before, "")
