"""An OpenID provider over HTTP: what it publishes about itself, and what it signed. Only issuers of the settings are
asked, at the addresses that they publish.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import requests
from django.conf import settings

from apps.core.errors import Denied, PortalError, Unavailable

SECONDS = 5.0  # to connect, and to answer
DESCRIPTION_HOURS = 1
KEYS_SECONDS = 300.0
KEYS_AGAIN_SECONDS = 10.0  # a key that is not known is looked for at most that often
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signed by a key that only the issuer has: never `none`, never a shared secret."""


class Refused(PortalError):
    """The provider answered, and said no."""

    code, status = "denied", 403


@dataclass
class Issuer:
    """One issuer, with what it published a while ago."""

    address: str
    name: str
    _described: tuple[float, dict[str, Any]] | None = field(default=None, repr=False)
    _keys: tuple[float, jwt.PyJWKSet] | None = field(default=None, repr=False)

    def endpoint(self, name: str) -> str:
        """The address under which it serves that, such as `token_endpoint`; empty where it has none."""
        return str(self._description().get(name) or "")

    def claims(self, token: str, *, audience: str) -> dict[str, Any]:
        """What the token says, once its signature, issuer, audience and times hold. Raises Denied, Unavailable."""
        try:
            return dict(
                jwt.decode(
                    token,
                    self._key(token),
                    algorithms=ALGORITHMS,
                    audience=audience,
                    issuer=str(self._description()["issuer"]),
                    leeway=settings.OIDC_LEEWAY_SECONDS,
                    options={"require": ["iss", "sub", "aud", "exp", "iat"]},
                )
            )
        except (jwt.ImmatureSignatureError, jwt.ExpiredSignatureError) as error:
            raise Denied(
                f"The clocks of the portal and of {self.name} differ too much, or this took too long. Try again; "
                "if it happens twice, ask the platform team to set the clocks."
            ) from error
        except jwt.PyJWTError as error:
            raise Denied(
                f"What {self.name} sent does not hold: {error}. Try again; if it happens twice, tell the platform team."
            ) from error

    def post(self, endpoint: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Raises Refused with the provider's own word, Unavailable."""
        return self._answer("POST", self.endpoint(endpoint), data=form)

    def get(self, endpoint: str, *, token: str) -> dict[str, Any]:
        return self._answer("GET", self.endpoint(endpoint), headers={"Authorization": f"Bearer {token}"})

    def _description(self) -> dict[str, Any]:
        if self._described is None or self._described[0] < time.monotonic():
            found = self._answer("GET", f"{self.address.rstrip('/')}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != self.address.rstrip("/"):
                raise Unavailable(f"{self.name} calls itself {found.get('issuer')!r}; set its issuer to just that.")
            self._described = (time.monotonic() + DESCRIPTION_HOURS * 3600, found)
        return self._described[1]

    def _key(self, token: str) -> jwt.PyJWK:
        wanted = jwt.get_unverified_header(token).get("kid")
        known = self._keys
        if known is None or known[0] + KEYS_SECONDS < time.monotonic():
            known = self._fetch_keys()
        found = _pick(known[1], wanted)
        if found is None and known[0] + KEYS_AGAIN_SECONDS < time.monotonic():
            found = _pick(self._fetch_keys()[1], wanted)
        if found is None:
            raise jwt.InvalidKeyError("it is signed with a key that its issuer does not publish")
        return found

    def _fetch_keys(self) -> tuple[float, jwt.PyJWKSet]:
        self._keys = (time.monotonic(), jwt.PyJWKSet.from_dict(self._answer("GET", self.endpoint("jwks_uri"))))
        return self._keys

    def _answer(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        try:
            answer = requests.request(method, address, timeout=SECONDS, allow_redirects=False, **more)
            said = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Unavailable(f"{self.name} does not answer. Try again in a minute; nothing is lost.") from error
        if 400 <= answer.status_code < 500:
            raise Refused(f"{self.name} refused: {_reason(said)}.")
        if answer.status_code != 200 or not isinstance(said, dict):
            raise Unavailable(f"{self.name} answered {answer.status_code}. Try again in a minute; nothing is lost.")
        return said


def _pick(keys: jwt.PyJWKSet, wanted: str | None) -> jwt.PyJWK | None:
    """The key of that id; where a token names none, the only one."""
    if wanted is None:
        return keys.keys[0] if len(keys.keys) == 1 else None
    return next((key for key in keys.keys if key.key_id == wanted), None)


def _reason(said: Any) -> str:
    """Its own words are for its makers: the code is enough, and holds nothing secret."""
    return str(said.get("error", "no reason given"))[:60] if isinstance(said, dict) else "no reason given"


_issuers: dict[str, Issuer] = {}


def issuer(address: str, name: str) -> Issuer:
    """The issuer of that address, which remembers its description and keys."""
    return _issuers.setdefault(address, Issuer(address, name))
