"""Who is behind a request: every door is behind the sign-in, and this says so to the reader and to mypy."""

from django.http import HttpRequest
from rest_framework.request import Request

from apps.accounts.models import User
from apps.core.errors import Denied


def person(request: HttpRequest | Request) -> User:
    """The signed-in user. Raises Denied for nobody, should a door ever be left open."""
    if isinstance(request.user, User):
        return request.user
    raise Denied("Sign in first.")
