"""Editions of the radar: frozen, so that two of them can be compared."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.audit.actions import record
from apps.catalog.checking import insert
from apps.catalog.events import Event
from apps.catalog.models import RadarEdition
from apps.catalog.queries.radar import blips_now
from apps.core.permissions import require

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def publish_edition(*, actor: User, name: str, at: datetime | None = None) -> RadarEdition:
    """Freezes the radar as it is (or as it was on the day `at`) under a name such as 2026-11.

    Raises Exists for a name that is taken.
    """
    require(actor, "catalog.publish")
    day = at.date() if at else timezone.localdate()
    blips = [vars(blip) | {"since": str(blip.since)} for blip in blips_now(on=day if at else None)]
    row = RadarEdition(name=name, published_on=day, publisher=actor, blips=blips)
    edition = insert(row, taken=f"There is already an edition {name!r} of the radar.")
    record(actor=actor, action=Event.EDITION_PUBLISHED, target=edition, after={"blips": len(blips)}, at=at)
    return edition
