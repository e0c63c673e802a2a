"""Reads of freezes: what holds now, and what held before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from apps.core.errors import Missing
from apps.registry.models import Freeze, ModelFamily
from apps.registry.models.freeze import FreezeQuerySet

if TYPE_CHECKING:
    from apps.accounts.models import User


def freeze_on(family: ModelFamily) -> Freeze | None:
    """What blocks promotions, waves and policies of this family now, the longest; never a rollback."""
    return Freeze.objects.active().on(family).select_related("family__team", "by").order_by("-expires_at").first()


def global_freeze() -> Freeze | None:
    """What blocks every family now."""
    found = Freeze.objects.active().filter(family=None)
    return found.select_related("by").order_by("-expires_at").first()


def freezes(actor: User) -> FreezeQuerySet:
    """Those of all families and of those that this person may see, the newest first."""
    seen = Q(family=None) | Q(family__in=ModelFamily.objects.visible_to(actor))
    return Freeze.objects.filter(seen).select_related("family__team", "by", "lifted_by").order_by("-id")


def freeze(*, actor: User, freeze_id: int) -> Freeze:
    """Raises Missing."""
    found = freezes(actor).filter(pk=freeze_id).first()
    if found is None:
        raise Missing("There is no such freeze here, or you may not see it.")
    return found
