"""Verbs of freezes: for a while nothing is promoted; going back is always possible."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.registry.events import Event
from apps.registry.models import Freeze, ModelFamily
from apps.registry.queries.freezes import freeze_on

if TYPE_CHECKING:
    from apps.accounts.models import User

LONGEST = timedelta(days=92)
"""A quarter: whatever holds for longer is a rule, and belongs into the gates."""
LONGEST_REASON = 2_000


@transaction.atomic
def freeze(*, actor: User, family: ModelFamily | None, reason: str, until: datetime) -> Freeze:
    """Blocks promotions and waves of the family (None: of all) until then. Raises Invalid."""
    require(actor, "registry.freeze" if family else "registry.freeze_all", family)
    _check(reason, until)
    if family:
        ModelFamily.objects.locked().get(pk=family.pk)
    made = Freeze.objects.create(family=family, reason=reason.strip(), by=actor, expires_at=until)
    words = {"until": _moment(until)}
    record(actor=actor, action=Event.FROZEN, target=made, after=words, note=made.reason)
    return made


@transaction.atomic
def lift_freeze(*, actor: User, freeze: Freeze, reason: str = "") -> Freeze:
    """Ends it before its time. Raises Conflict when it is over already."""
    require(actor, "registry.freeze" if freeze.family else "registry.freeze_all", freeze.family)
    still = Freeze.objects.active().filter(pk=freeze.pk)
    if not still.update(lifted_by=actor, lifted_at=Now()):
        raise Conflict("This freeze is over already.")
    freeze.refresh_from_db(fields=["lifted_by", "lifted_at"])
    record(actor=actor, action=Event.FREEZE_LIFTED, target=freeze, note=reason.strip())
    return freeze


def refuse_while_frozen(*, family: ModelFamily) -> None:
    """Raises Conflict with the reason and until when. Rollback, reject and withdraw never ask this."""
    if found := freeze_on(family):
        what = family if found.family_id else "Every family"
        raise Conflict(
            f"{what} is frozen until {_moment(found.expires_at)} by {found.by}: {found.reason} "
            "Nothing is promoted before that, or before somebody lifts it; rolling back is possible."
        )


def _check(reason: str, until: datetime) -> None:
    if not reason.strip():
        raise Invalid("Say why: everybody who wants to promote meanwhile reads it.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    now = timezone.now()
    if not now < until <= now + LONGEST:
        raise Invalid(f"A freeze ends within the next {LONGEST.days} days; you can lift it earlier.", field="until")


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.get_default_timezone()):%-d %b %Y, %H:%M %Z}"
