"""Where a rollback would lead: to what the promotion of the present champion replaced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.artifacts.queries import damaged
from apps.registry.gates.contents import misfit
from apps.registry.models import Alias, AliasMove, ModelFamily, ModelVersion, Promotion, Wave
from apps.registry.models.family import CHAMPION
from apps.registry.queries.candidacies import champion_is
from apps.registry.signatures import contract, declared


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
    now, before = _now([version.model_id for version in versions], alias), _replaced(versions, alias)
    return [_way_back(version, now.get(version.model_id), before.get(version.pk), alias) for version in versions]


def ways_to(targets: Iterable[ModelVersion], alias: str = CHAMPION) -> list[WayBack]:
    """From what serves now to each of these, of which every one was behind the alias before."""
    rows = ModelVersion.objects.whole().select_related("tree").in_bulk([version.pk for version in targets])
    found = list(rows.values())
    now = _whole(_now([version.model_id for version in found], alias))
    served = set(AliasMove.objects.filter(after__in=found, name=alias).values_list("after", flat=True))
    return [_way_to(target, now.get(target.model_id), target.pk in served, alias) for target in found]


def ways_back_from_wave(wave: Wave) -> list[WayBack]:
    """From what it has moved to what each city had before; a city that has moved on since has no way back."""
    moved = wave.promotions.filter(status=Promotion.Status.APPLIED).order_by("id")
    before = dict(moved.values_list("candidate", "before"))
    rows = ModelVersion.objects.whole().select_related("tree").in_bulk([*before, *filter(None, before.values())])
    now = _now([rows[pk].model_id for pk in before], wave.alias)
    return [
        _way_back(rows[pk], now.get(rows[pk].model_id), rows[was] if was else None, wave.alias)
        for pk, was in before.items()
    ]


def _now(models: Iterable[int], alias: str) -> dict[int, ModelVersion]:
    """The version behind the alias, by model."""
    found = ModelVersion.objects.filter(aliases__name=alias, aliases__model__in=models).order_by()
    return {version.model_id: version for version in found.select_related("model__segment")}


def _whole(versions: dict[int, ModelVersion]) -> dict[int, ModelVersion]:
    rows = ModelVersion.objects.whole().in_bulk([version.pk for version in versions.values()])
    return {model: rows[version.pk] for model, version in versions.items()}


def _way_to(target: ModelVersion, current: ModelVersion | None, served: bool, alias: str) -> WayBack:
    city = target.model.segment
    if current == target:
        return WayBack(target, None, f"{city}: {target.label} is the {alias} already.")
    if not served:
        return WayBack(target, None, f"{city}: {target.label} never was the {alias}; propose its promotion instead.")
    if current is None:
        return WayBack(target, None, f"{city}: nothing is the {alias} now; propose the promotion of {target.label}.")
    return WayBack(current, target, "")


def unservable(ways: Iterable[WayBack]) -> dict[int, str]:
    """By version that would serve again, why it can not: its files are damaged, or it needs what serving has not."""
    targets = [way.back_to for way in ways if way.back_to]
    faults = damaged(target.tree_id for target in targets if target.tree_id)
    found = {target.pk: faults.get(target.tree_id or 0) or _misfit(target) for target in targets}
    return {target: fault for target, fault in found.items() if fault}


def _misfit(version: ModelVersion) -> str:
    return misfit(declared(version.signature), contract(version.model.its_family.serving_contract))


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
