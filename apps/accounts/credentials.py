"""Who holds a token, for doors that are asked too often to look into the database each time."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.utils import timezone
from knox.crypto import hash_token

from apps.accounts.authentication import note_use
from apps.accounts.models import ApiToken, User
from apps.core.context import Credential


@dataclass(frozen=True)
class Holder:
    """A token's user, with their memberships, and what the token may do."""

    user: User
    credential: Credential


def holder_of(secret: str) -> Holder | None:
    """None for a token that is unknown, expired or revoked, and for an account that is switched off."""
    row = _live_token(secret)
    if row is None:
        return None
    note_use(row)
    prefetch_related_objects([row.user], "memberships")
    return Holder(row.user, row.credential)


def _live_token(secret: str) -> ApiToken | None:
    if not secret.isascii() or not secret.isprintable():
        return None
    known = ApiToken.objects.filter(digest=hash_token(secret), user__is_active=True, expiry__gt=timezone.now())
    return known.select_related("user").first()
