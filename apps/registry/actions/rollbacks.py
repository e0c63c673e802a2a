"""Rollback: at three in the morning, by one person, to what served before; no gate, no second person before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.registry.actions.applying import Move, move_aliases
from apps.registry.actions.promotions import Refused
from apps.registry.actions.proposals import LONGEST_REASON
from apps.registry.events import Event
from apps.registry.models import AliasMove, ModelFamily, ModelVersion, Rollback, Wave
from apps.registry.models.family import CHAMPION
from apps.registry.queries.ways_back import WayBack, unservable, ways_back_from, ways_to

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class RollbackDone:
    """What moved back, and by model why the others did not; `rollback` waits for somebody's review."""

    rollback: Rollback
    moves: list[AliasMove]
    refused: dict[str, str]


@transaction.atomic
def rollback(
    *, actor: User, family: ModelFamily, versions: Sequence[ModelVersion], reason: str, alias: str = CHAMPION
) -> RollbackDone:
    """Takes these versions back: where one still is the champion, what was champion before it serves again.

    Naming the version that is taken back makes a double click harmless. Cities that can not go back are listed;
    raises Refused when none can, Invalid for a wrong request. A freeze does not stop it.
    """
    family = _begin(actor, family, versions, reason, alias)
    return go_back(
        actor=actor,
        family=family,
        ways=ways_back_from([version.pk for version in versions], alias),
        reason=reason.strip(),
        alias=alias,
    )


@transaction.atomic
def restore(
    *, actor: User, family: ModelFamily, versions: Sequence[ModelVersion], reason: str, alias: str = CHAMPION
) -> RollbackDone:
    """Goes back to exactly these versions, each of which held the alias before; else as `rollback`.

    One that never held it needs a promotion, and is refused with that sentence.
    """
    family = _begin(actor, family, versions, reason, alias)
    return go_back(actor=actor, family=family, ways=ways_to(versions, alias), reason=reason.strip(), alias=alias)


@transaction.atomic
def review_rollback(*, actor: User, rollback: Rollback, note: str = "") -> Rollback:
    """Somebody else has looked at it afterwards. Raises Conflict when somebody has already."""
    require(actor, "registry.review_rollback", rollback)
    if len(note) > LONGEST_REASON:
        raise Invalid(f"A note has at most {LONGEST_REASON} characters.", field="note")
    still = Rollback.objects.filter(pk=rollback.pk, reviewed_at=None)
    if not still.update(reviewed_by=actor, reviewed_at=Now(), review=note.strip()):
        raise Conflict("Somebody has reviewed this already.")
    rollback = Rollback.objects.whole().get(pk=rollback.pk)
    record(actor=actor, action=Event.ROLLBACK_REVIEWED, target=rollback, note=rollback.review)
    return rollback


def go_back(
    *, actor: User, family: ModelFamily, ways: Sequence[WayBack], reason: str, alias: str, wave: Wave | None = None
) -> RollbackDone:
    """Moves what has a way back, verified, in one go; the caller holds the family's lock and has asked."""
    faults = unservable(ways)
    refused = {way.version.model.name: why for way in ways if (why := _refusal(way, faults))}
    moves = [Move(way.version, way.back_to) for way in ways if way.back_to and way.version.model.name not in refused]
    if not moves:
        raise Refused(f"Nothing was rolled back. {' '.join(refused.values())}", errors=refused)
    made = Rollback.objects.create(family=family, alias=alias, reason=reason, segments=len(moves), by=actor, wave=wave)
    record(actor=actor, action=Event.ROLLBACK_DECIDED, target=made, after={"refused": refused}, note=reason)
    kind = AliasMove.Kind.ROLLBACK
    done = move_aliases(actor=actor, alias=alias, moves=moves, kind=kind, reason=reason, rollback=made)
    return RollbackDone(made, done, refused)


def _begin(actor: User, family: ModelFamily, versions: Sequence[ModelVersion], reason: str, alias: str) -> ModelFamily:
    """The locked family, once the actor may and the request makes sense."""
    require(actor, "registry.roll_back", family)
    check_reason(reason=reason)
    if not versions:
        raise Invalid("Choose at least one version to take back.", field="versions")
    for version in versions:
        if version.model.family_id != family.pk:
            raise Invalid(f"{version} is no version of {family}.", field="versions")
    if alias not in family.alias_names:
        known = ", ".join(family.alias_names)
        raise Invalid(f"{family} protects {known}, not {alias!r}; other aliases are simply set.", field="alias")
    return ModelFamily.objects.locked().get(pk=family.pk)


def check_reason(*, reason: str) -> None:
    """Raises Invalid for none, and for one that is too long."""
    if not reason.strip():
        raise Invalid("Say why: who reads the history tomorrow was asleep.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")


def _refusal(way: WayBack, faults: dict[int, str]) -> str:
    """What serves again must be what served then, and must still fit."""
    if way.back_to is None:
        return way.refusal
    fault = faults.get(way.back_to.pk)
    return f"{way.name}: {way.back_to.label} can not serve again. {fault}" if fault else ""
