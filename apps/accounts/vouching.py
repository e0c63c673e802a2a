"""What an OpenID provider says about a person, read strictly: each thing that is missing is a sentence for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.accounts.groups import mapping
from apps.core.errors import Denied

NOT_IN_A_NAME = re.compile(r"[^\w.@+-]+")
LONGEST_NAME = 150


@dataclass(frozen=True)
class Vouched:
    """A person as the provider vouches for them; `email` is verified."""

    issuer: str
    subject: str
    username: str
    name: str
    email: str
    groups: frozenset[str]


def vouched(claims: Mapping[str, Any]) -> Vouched:
    """Raises Denied with what is missing, and who can put it right."""
    email = _email(claims)
    wished = str(_claim(claims, settings.OIDC_USERNAME_CLAIM) or email)
    return Vouched(
        issuer=settings.OIDC_ISSUER,
        subject=str(claims["sub"]),
        username=NOT_IN_A_NAME.sub("-", wished)[:LONGEST_NAME],
        name=str(claims.get("name") or wished)[:LONGEST_NAME],
        email=email,
        groups=_groups(claims),
    )


def _email(claims: Mapping[str, Any]) -> str:
    provider, email = settings.OIDC_NAME, claims.get("email")
    if not isinstance(email, str) or "@" not in email:
        raise Denied(
            f"{provider} did not say your e-mail address, and the portal needs it. Ask whoever runs {provider} to "
            "enter it, and to release the claim “email” to the portal."
        )
    if not (claims.get("email_verified") is True or settings.OIDC_TRUST_EMAIL):
        raise Denied(
            f"{provider} does not vouch for your e-mail address {email}: it was never verified. Verify it there, then "
            "sign in again."
        )
    return email


def _groups(claims: Mapping[str, Any]) -> frozenset[str]:
    provider, said = settings.OIDC_NAME, _claim(claims, settings.OIDC_GROUPS_CLAIM)
    known = mapping()
    groups = frozenset(str(group) for group in said) if isinstance(said, list) else frozenset()
    if settings.OIDC_ADMIT == "everyone":
        return groups
    if not isinstance(said, list):
        raise Denied(
            f"{provider} did not say which groups you are in, so nobody knows what you may do here. Ask whoever runs "
            f"{provider} to release the claim “{settings.OIDC_GROUPS_CLAIM}” to the portal."
        )
    if not groups & set(known.rights):
        raise Denied(
            f"You are signed in at {provider}, but in none of the groups that may use the portal. Ask your team's lead "
            "to have you put into the team's group, then sign in again."
        )
    return groups


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by name, or by a path with dots such as `realm_access.roles`; a name with dots or slashes as it is."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
