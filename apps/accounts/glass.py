"""Breaking the glass: a link, made on the server, that signs a platform admin in once while nothing else works."""

from __future__ import annotations

from dataclasses import dataclass

from django.core import signing

from apps.accounts import queries
from apps.accounts.models import User
from apps.accounts.rules import is_platform_admin
from apps.core.errors import Denied, PortalError

SALT = "accounts.break_glass"
MINUTES = 10


@dataclass(frozen=True)
class Way:
    """Whom a link signs in, and what was said about why."""

    user: User
    reason: str


def link(user: User, reason: str) -> str:
    """Works once, for ten minutes. Raises Denied for who is no platform admin."""
    if not is_platform_admin(user):
        raise Denied(f"{user} is no platform admin; only those get in this way.")
    return signing.dumps({"user": user.username, "reason": reason, "seen": _seen(user)}, salt=SALT)


def read(given: str) -> Way:
    """Raises Denied for a link that is forged, old or used."""
    spent = Denied(f"This link is wrong, older than {MINUTES} minutes, or was used. Make another on the server.")
    try:
        said = signing.loads(given, salt=SALT, max_age=MINUTES * 60)
        user = queries.user(username=said["user"])
    except (signing.BadSignature, PortalError) as error:
        raise spent from error
    if said["seen"] != _seen(user) or not is_platform_admin(user):
        raise spent
    return Way(user, said["reason"])


def _seen(user: User) -> str:
    """Changes with each sign-in."""
    return user.last_login.isoformat() if user.last_login else ""
