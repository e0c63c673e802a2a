"""API tokens at the door: `Authorization: Bearer <token>`."""

from datetime import timedelta
from typing import Any, cast

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.models import ApiToken, User
from apps.core.context import present

LAST_USED_STEP = timedelta(minutes=1)  # a write a minute is enough to find forgotten tokens


class TokenAuthentication(KnoxAuthentication):
    """Knox's check of the hash, with our sentences; presents the token's scopes to the context."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        try:
            token.decode("ascii")
        except UnicodeDecodeError as error:
            raise AuthenticationFailed("This is not a token of the portal; copy it again.") from error
        user, row = super().authenticate_credentials(token)
        present(row.credential)
        note_use(row)
        return user, row

    def validate_user(self, auth_token: ApiToken) -> tuple[User, ApiToken]:
        if not auth_token.user.is_active and auth_token.user.rests_since:
            raise AuthenticationFailed(
                "The company's sign-in does not vouch for this token's owner any more. If that is you, sign in to the "
                "portal in a browser; the token works again then."
            )
        return cast("tuple[User, ApiToken]", super().validate_user(auth_token))

    def _cleanup_token(self, auth_token: ApiToken) -> bool:
        if auth_token.expiry and auth_token.expiry < timezone.now():
            day = auth_token.expiry.date().isoformat()
            raise AuthenticationFailed(
                f"The token {auth_token.name!r} expired on {day}; make a new one on your profile."
            )
        return False

    def authenticate_header(self, request: Request | Any) -> str:
        return "Bearer"


def note_use(row: ApiToken) -> None:
    """Sets last use, at most once a minute."""
    stale = Q(last_used_at=None) | Q(last_used_at__lt=timezone.now() - LAST_USED_STEP)
    if row.last_used_at is None or row.last_used_at < timezone.now() - LAST_USED_STEP:
        ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=Now())
