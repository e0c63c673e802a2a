"""CI without a stored secret: the CI's own issuer vouches for a run, and the portal gives it a token for minutes.

- issuer: https://token.actions.githubusercontent.com
  audience: https://portal.example.org
  claims: {repository: acme/eta-trip, ref: refs/heads/main}
  account: ci-rides
  families: [eta-trip]
  scopes: [read, "registry:write"]
  minutes: 20
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
import yaml
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.accounts import actions, queries
from apps.accounts.provider import issuer
from apps.core.context import Credential
from apps.core.errors import Denied, Missing
from apps.core.permissions import READ_SCOPE, scopes

LONGEST_MINUTES = 120
NOBODY = "Nobody here trusts that: CI_TRUST of the portal names no such issuer, audience and claims (docs/ci.md)."


@dataclass(frozen=True)
class Trust:
    """Runs with these claims act as that service account, within these families, for so long."""

    issuer: str
    audience: str
    account: str
    families: list[str]
    claims: dict[str, str]
    scopes: list[str] = field(default_factory=lambda: [READ_SCOPE, "registry:write"])
    minutes: int = 20

    def covers(self, claims: Mapping[str, Any]) -> bool:
        return all(str(claims.get(name)) == said for name, said in self.claims.items())

    @property
    def reach(self) -> Credential:
        return Credential("", frozenset(self.scopes), families=frozenset(self.families))


def trade(token: str) -> actions.NewToken:
    """Raises Denied for a token that nobody trusts, Unavailable where its issuer does not answer."""
    trust, claims = _trusted(token)
    try:
        account = queries.user(username=trust.account)
    except Missing as error:
        raise Denied(
            f"CI_TRUST names the account {trust.account!r}, which is not there; ask a lead to make it."
        ) from error
    if not account.is_service:
        raise Denied(f"{trust.account!r} is a person; CI acts as a service account of a team.")
    return actions.trade_token(account=account, told=str(claims["sub"]), reach=trust.reach, minutes=trust.minutes)


def _trusted(token: str) -> tuple[Trust, Mapping[str, Any]]:
    """What it says about itself only chooses whom to ask; the issuer's own signature decides."""
    try:
        said = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise Denied("This is no ID token; send the one that the CI issued for this run.") from error
    for trust in trusted():
        if trust.issuer == said.get("iss") and trust.audience in _list(said.get("aud")) and trust.covers(said):
            return trust, issuer(trust.issuer, trust.issuer).claims(token, audience=trust.audience)
    raise Denied(NOBODY)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def trusted() -> tuple[Trust, ...]:
    """Those of the settings. Raises ImproperlyConfigured with a sentence."""
    text = Path(settings.CI_TRUST_FILE).read_text() if settings.CI_TRUST_FILE else str(settings.CI_TRUST)
    return _read(text)


@lru_cache(maxsize=4)
def _read(text: str) -> tuple[Trust, ...]:
    try:
        rows: Iterable[Mapping[str, Any]] = yaml.safe_load(text) or []
        return tuple(_checked(Trust(**row)) for row in rows)
    except (yaml.YAMLError, TypeError) as error:
        raise ImproperlyConfigured(f"CI_TRUST can not be read: {error}. docs/ci.md shows it.") from error


def _checked(trust: Trust) -> Trust:
    if not trust.claims or not trust.families:
        raise ImproperlyConfigured("CI_TRUST: say by `claims` whose runs, and by `families` for what.")
    if unknown := sorted(set(trust.scopes) - set(scopes())):
        raise ImproperlyConfigured(f"CI_TRUST: there is no scope {unknown[0]!r}.")
    if not 1 <= trust.minutes <= LONGEST_MINUTES:
        raise ImproperlyConfigured(f"CI_TRUST: such a token lives between 1 and {LONGEST_MINUTES} minutes.")
    return trust
