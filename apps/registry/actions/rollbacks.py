"""Rollback: at three in the morning, by one person, to what served before; no gate, no second person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from apps.artifacts.queries import files_of, local_path
from apps.core.errors import Invalid, Unavailable
from apps.core.permissions import require
from apps.registry.actions.applying import Move, move_aliases
from apps.registry.actions.promotions import LONGEST_REASON, Refused
from apps.registry.models import AliasMove, ModelFamily, ModelVersion
from apps.registry.models.family import CHAMPION
from apps.registry.queries.candidacies import champion_is, champions

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class Rollback:
    """What moved back, and by model why the others did not."""

    moves: list[AliasMove]
    refused: dict[str, str]


@transaction.atomic
def rollback(
    *, actor: User, family: ModelFamily, versions: Sequence[ModelVersion], reason: str, alias: str = CHAMPION
) -> Rollback:
    """Takes these versions back: where one still is the champion, what was champion before it serves again.

    Naming the version that is taken back makes a double click harmless. Cities that can not go back are listed;
    raises Refused when none can, Invalid for a wrong request.
    """
    require(actor, "registry.roll_back", family)
    _check(family, versions, reason)
    family = ModelFamily.objects.locked().get(pk=family.pk)
    rows = ModelVersion.objects.whole().in_bulk([version.pk for version in versions]).values()
    found = {version: _way_back(version, alias, current) for version, current in _current(list(rows), alias)}
    moves = [Move(version, target) for version, target in found.items() if isinstance(target, ModelVersion)]
    refused = {version.model.name: why for version, why in found.items() if isinstance(why, str)}
    if not moves:
        raise Refused(f"Nothing was rolled back. {' '.join(refused.values())}", errors=refused)
    done = move_aliases(actor=actor, alias=alias, moves=moves, kind=AliasMove.Kind.ROLLBACK, reason=reason.strip())
    return Rollback(done, refused)


def _check(family: ModelFamily, versions: Sequence[ModelVersion], reason: str) -> None:
    if not reason.strip():
        raise Invalid("Say why: who reads the history tomorrow was asleep.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    if not versions:
        raise Invalid("Choose at least one version to take back.", field="versions")
    for version in versions:
        if version.model.family_id != family.pk:
            raise Invalid(f"{version} is no version of {family}.", field="versions")


def _current(versions: Sequence[ModelVersion], alias: str) -> list[tuple[ModelVersion, ModelVersion | None]]:
    now = champions([version.model_id for version in versions], alias)
    return [(version, now.get(version.model_id)) for version in versions]


def _way_back(version: ModelVersion, alias: str, current: ModelVersion | None) -> ModelVersion | str:
    """The version that serves again, or the sentence why none does."""
    city = version.model.segment
    if current != version:
        return f"{city}: {champion_is(current)}, not {version.label}; nothing to take back."
    before = _champion_before(version, alias)
    if before is None:
        return f"{city}: {version.label} is its first champion; there is nothing to go back to."
    return _damage(before) or before


def _champion_before(version: ModelVersion, alias: str) -> ModelVersion | None:
    """What the promotion of this version replaced: going back twice goes back further, not forth again."""
    moves = AliasMove.objects.filter(model=version.model_id, name=alias, after=version)
    promoted = moves.filter(kind=AliasMove.Kind.PROMOTION).order_by("-id").first()
    return ModelVersion.objects.whole().get(pk=promoted.before_id) if promoted and promoted.before_id else None


def _damage(version: ModelVersion) -> str:
    """Every file is read and compared with its digest: what serves again must be what served then."""
    try:
        for file in files_of(version.tree):
            local_path(file)
    except Unavailable as error:
        return f"{version.model.segment}: {version.label} can not serve again. {error.message}"
    return ""
