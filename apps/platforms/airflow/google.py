"""Access tokens of Google, which an Airflow of Cloud Composer takes: by a service account's key, or as the machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from apps.platforms.calling import NotSignedIn
from apps.platforms.outgoing import Refused, Unreachable

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
MACHINE = "google"
"""As a credential: the account that this machine has at Google, its application default credentials."""
NOT_INSTALLED = "Google's sign-in is not installed here: install the portal's extra 'google'."
NO_MACHINE = "This machine has no account at Google: give it one, or enter the key of a service account."
NO_KEY = "This is no key of a service account: enter the JSON file that Google gave out, whole and on one line."


class NoToken(NotSignedIn):
    """Google gives no token for this credential. Says why in a sentence."""


def is_google(secret: str) -> bool:
    """Whether the credential is one for Google, and not for Airflow itself."""
    return secret == MACHINE or secret.lstrip().startswith("{")


def access_token(secret: str) -> tuple[str, float]:
    """A token, and the seconds for which it is valid. Raises NoToken, Unreachable, and Refused without the extra."""
    try:
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.auth.transport.requests import Request
    except ImportError as error:
        raise Refused(NOT_INSTALLED) from error
    credentials = _credentials(secret)
    try:
        credentials.refresh(Request())
    except TransportError as error:
        raise Unreachable("Google, which gives out the tokens, can not be reached.") from error
    except GoogleAuthError as error:
        raise NoToken("Google gives no token for this account: is its key still valid, and the account on?") from error
    return str(credentials.token), (credentials.expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()


def _credentials(secret: str) -> Any:
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.oauth2.service_account import Credentials

    if secret != MACHINE:
        try:
            return Credentials.from_service_account_info(json.loads(secret), scopes=[SCOPE])
        except (ValueError, TypeError, GoogleAuthError) as error:
            raise NoToken(NO_KEY) from error
    try:
        return google.auth.default(scopes=[SCOPE])[0]
    except GoogleAuthError as error:
        raise NoToken(NO_MACHINE) from error
