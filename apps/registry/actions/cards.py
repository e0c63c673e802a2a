"""Verbs of model cards: what people write about a version, or about all versions of a family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit.actions import record
from apps.core.errors import Conflict
from apps.core.permissions import require
from apps.registry import names
from apps.registry.cards import digest_of
from apps.registry.events import Event
from apps.registry.models import ModelFamily, ModelVersion
from apps.registry.moments import this_moment

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def fill_card(*, actor: User, version: ModelVersion, card: Mapping[str, str], seen: str | None = None) -> ModelVersion:
    """Texts by name; replaces what people wrote on it. `seen` is the digest of the card that was edited.

    Raises Conflict where somebody has changed it since.
    """
    require(actor, "registry.register", version.model)
    locked = ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    _check_seen(locked.card, seen)
    version.card, version.updated_at = names.check_tags(card), this_moment()
    version.save(update_fields=["card", "updated_at"])
    record(actor=actor, action=Event.CARD_FILLED, target=version, before=locked.card, after=version.card)
    return version


@transaction.atomic
def fill_family_card(
    *, actor: User, family: ModelFamily, card: Mapping[str, str], seen: str | None = None
) -> ModelFamily:
    """What is true of all its versions; each may say it in other words. Raises Conflict as above."""
    require(actor, "registry.register", family)
    locked = ModelFamily.objects.locked().get(pk=family.pk)
    _check_seen(locked.card, seen)
    family.card = names.check_tags(card)
    family.save(update_fields=["card"])
    record(actor=actor, action=Event.CARD_FILLED, target=family, before=locked.card, after=family.card)
    return family


def _check_seen(card: Mapping[str, str], seen: str | None) -> None:
    if seen is not None and seen != digest_of(card):
        raise Conflict("Somebody has changed this card meanwhile. Look at it again, and add your words to theirs.")
