"""Whom a promotion or a rollback concerns, for those who tell them: people, not rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.approvals.queries import asked
from apps.registry.gates import day
from apps.registry.models import AliasMove, ModelFamily, Promotion, Wave
from apps.registry.queries.families import approvers
from apps.registry.queries.outlines import outlines

if TYPE_CHECKING:
    from apps.accounts.models import User


def asked_about(wave_id: int) -> list[User]:
    """Who can still say yes or no to the wave; nobody once it is decided."""
    wave = Wave.objects.select_related("approval__team").filter(pk=wave_id, status=Wave.Status.PROPOSED).first()
    return asked(wave.approval) if wave and wave.approval else []


def proposer_of(wave_id: int) -> list[User]:
    wave = Wave.objects.select_related("proposer").filter(pk=wave_id).first()
    return [wave.proposer] if wave else []


def wave_of(promotion_id: int) -> int | None:
    """The wave that the promotion is part of."""
    return Promotion.objects.filter(pk=promotion_id).values_list("wave_id", flat=True).first()


def gist_of(wave_id: int) -> list[str]:
    """What the wave would change, and by when it is decided, in sentences."""
    wave = Wave.objects.whole().filter(pk=wave_id).first()
    if wave is None:
        return []
    return [outlines([wave])[0].sentence, f"It expires on {day(wave.expires_at.date())}."]


def rollback_to(version_id: int) -> int | None:
    """The newest rollback that made this version serve again."""
    moves = AliasMove.objects.filter(after=version_id, rollback__isnull=False).order_by("-id")
    return moves.values_list("rollback_id", flat=True).first()


def reviewers_of(family_slug: str) -> list[User]:
    """Who looks at what was done in the family at night: its approvers."""
    family = ModelFamily.objects.select_related("team").filter(slug=family_slug).first()
    return approvers(family) if family else []
