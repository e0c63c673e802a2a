"""Whom a decision concerns, for those who tell them: people, not rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.queries import with_role
from apps.catalog.models import Decision

if TYPE_CHECKING:
    from apps.accounts.models import User


def deciders_of(decision_id: int) -> list[User]:
    """Members of the board who can accept it; nobody once it is decided."""
    decision = Decision.objects.filter(pk=decision_id, status=Decision.Status.PROPOSED).first()
    if decision is None:
        return []
    return [user for user in with_role("board") if user.pk not in (decision.author_id, decision.proposer_id)]


def writers_of(decision_id: int) -> list[User]:
    """Who wrote and who proposed it."""
    decision = Decision.objects.select_related("author", "proposer").filter(pk=decision_id).first()
    return list({decision.author, decision.proposer} - {None}) if decision else []  # type: ignore[arg-type]


def label_of(decision_id: int) -> str:
    """Its name in addresses: ADR-0007."""
    decision = Decision.objects.filter(pk=decision_id).first()
    return decision.label if decision else ""
