"""Single sign-on by OpenID Connect. mozilla-django-oidc leads through the code flow, with state, nonce and PKCE; what
it leaves open (issuer, audience, times, who somebody is) is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import filterfalse
from typing import Any
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.contrib import auth
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from apps.accounts import actions
from apps.accounts.models import Identity, User
from apps.accounts.provider import Issuer, Refused, issuer
from apps.accounts.vouching import vouched
from apps.core.errors import Denied, Unavailable
from apps.core.keyring import seal, unseal

log = structlog.get_logger(__name__)
HINT = "oidc_id_token"  # in the session, sealed: with it the provider knows whom to sign out
GOAL = "oidc_login_next"  # where mozilla-django-oidc goes after the sign-in
ENDPOINTS = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}


def provider() -> Issuer:
    return issuer(settings.OIDC_ISSUER, settings.OIDC_NAME)


def published(name: str, *default: Any) -> Any:
    """A setting of mozilla-django-oidc; addresses of the provider are what it publishes."""
    if name in ENDPOINTS:
        return provider().endpoint(ENDPOINTS[name])
    return getattr(settings, name, *default)


class Backend(OIDCAuthenticationBackend):
    """Turns a code from the provider into a user; every refusal is raised, with its sentence."""

    def __init__(self) -> None:
        """Asks nobody: Django makes one of these for each sign-in with a password, too."""
        self.UserModel = User
        self.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_ID
        self.OIDC_RP_CLIENT_SECRET = settings.OIDC_RP_CLIENT_SECRET

    def get_token(self, payload: dict[str, str]) -> dict[str, Any]:
        said = provider().post("token_endpoint", payload)
        self._refresh_token = str(said.get("refresh_token") or "")
        return said

    def verify_token(self, token: str, *, nonce: str | None = None, **more: Any) -> dict[str, Any]:
        claims = provider().claims(token or "", audience=settings.OIDC_RP_CLIENT_ID)
        if not nonce or claims.get("nonce") != nonce:
            raise Denied("This sign-in is not the one that was begun here. Begin again.")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        claims = _with_userinfo(payload, access_token)
        user = actions.admit(person=vouched(claims), refresh_token=self._refresh_token)
        _end_session_before(self.request, user)
        self.request.session[HINT] = seal(id_token)
        if not self._refresh_token:  # nobody can be asked again, so an open session is believed no longer than others
            self.request.session.set_expiry(settings.OIDC_RECHECK_MINUTES * 60)
        return user


def _end_session_before(request: HttpRequest, user: User) -> None:
    """Of who is signed in here already. Another's ends now, and not when this one begins: what is kept in it until then
    would go, too.
    """
    if request.user == user:
        request.session.cycle_key()
    elif request.user.is_authenticated:
        goal = request.session.get(GOAL)
        auth.logout(request)
        request.session[GOAL] = goal


def recheck_all() -> None:
    """One round over all that are due. A provider that is away takes nobody's rights, until the grace is over."""
    claimed = [one for one in actions.due_identities() if actions.claim_identity(identity=one)]
    for identity in filter(_outlived, claimed):
        actions.let_rest(identity=identity, why=f"{settings.OIDC_NAME} has not vouched for them for long.")
    try:
        for identity in filterfalse(_outlived, claimed):
            ask_again(identity)
    except Unavailable as error:
        log.warning("single_sign_on.away", reason=error.message)


def _outlived(identity: Identity) -> bool:
    return actions.outlived(identity=identity)


def ask_again(identity: Identity) -> None:
    """Asks the provider what the person may do now. Raises Unavailable where it does not answer."""
    try:
        said = _refresh(unseal(identity.sealed_refresh_token))
        person = vouched(_claims_of(identity, said))
    except (Refused, Denied) as error:
        actions.let_rest(identity=identity, why=f"{settings.OIDC_NAME} vouches for them no more: {error.message}")
    else:
        actions.confirm(identity=identity, groups=person.groups, refresh_token=str(said.get("refresh_token") or ""))


def _refresh(refresh_token: str) -> dict[str, Any]:
    return provider().post(
        "token_endpoint",
        {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": settings.OIDC_RP_CLIENT_ID,
            "client_secret": settings.OIDC_RP_CLIENT_SECRET,
        },
    )


def _claims_of(identity: Identity, said: Mapping[str, Any]) -> dict[str, Any]:
    """Of the new ID token, where there is one, and of userinfo; of the same person as before."""
    signed = said.get("id_token")
    claims = provider().claims(signed, audience=settings.OIDC_RP_CLIENT_ID) if signed else {"sub": identity.subject}
    if claims["sub"] != identity.subject:
        raise Denied("It answered for somebody else.")
    return _with_userinfo(claims, str(said.get("access_token") or ""))


def _with_userinfo(claims: Mapping[str, Any], access_token: str) -> dict[str, Any]:
    """What is signed, completed by what userinfo says of the same person."""
    if not provider().endpoint("userinfo_endpoint"):
        return dict(claims)
    more = provider().get("userinfo_endpoint", token=access_token)
    if more.get("sub") != claims["sub"]:
        raise Denied("Two answers of the provider are about two people. Begin again.")
    return {**more, **claims}


def address_to_sign_out(request: HttpRequest) -> str:
    """Where the person can end the provider's session, too; empty where it offers nothing or nobody knows it."""
    sealed = request.session.get(HINT, "")
    try:
        endpoint = provider().endpoint("end_session_endpoint") if sealed and settings.OIDC_ISSUER else ""
        hint = unseal(sealed) if endpoint else ""
    except Unavailable:
        return ""
    if not endpoint:
        return ""
    back = request.build_absolute_uri(reverse("accounts:sign-in"))
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": back, "client_id": settings.OIDC_RP_CLIENT_ID}
    return f"{endpoint}?{urlencode(asked)}"


REFUSALS = {
    "access_denied": "You, or {provider}, did not allow the sign-in. Begin again, or ask who runs {provider}.",
    "temporarily_unavailable": "{provider} is busy. Try again in a minute.",
    "server_error": "Something broke at {provider}. Try again in a minute, and tell who runs it if it happens twice.",
}


def refusal(code: str) -> str:
    """The sentence of an error code that the provider sent the browser back with."""
    other = "{provider} did not let you in ({code}). Begin again; if it happens twice, ask the platform team."
    shown = code[:60] if code.replace("_", "").isalnum() else "no reason given"
    return REFUSALS.get(code, other).format(provider=settings.OIDC_NAME, code=shown)


def explained(error: Exception) -> str:
    """What to say to the person about a sign-in that went wrong; mozilla-django-oidc raises its own kinds, too."""
    if isinstance(error, SuspiciousOperation):
        return "This sign-in was begun in another window or long ago. Begin again."
    return getattr(error, "message", "")
