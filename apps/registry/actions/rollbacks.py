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
from apps.registry.queries.ways_back import WayBack, ways_back_from

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
    ways = ways_back_from([version.pk for version in versions], alias)
    refused = {way.version.model.name: why for way in ways if (why := _refusal(way))}
    moves = [Move(way.version, way.back_to) for way in ways if way.back_to and way.version.model.name not in refused]
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


def _refusal(way: WayBack) -> str:
    """Every file is read and compared with its digest: what serves again must be what served then."""
    if way.back_to is None:
        return way.refusal
    try:
        for file in files_of(way.back_to.its_tree):
            local_path(file)
    except Unavailable as error:
        return f"{way.name}: {way.back_to.label} can not serve again. {error.message}"
    return ""
