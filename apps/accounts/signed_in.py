"""Who is behind a request: every door is behind the sign-in, and this says so to the reader and to mypy."""

from django.http import HttpRequest
from rest_framework.request import Request

from apps.accounts.models import User
from apps.accounts.queries import know_teams
from apps.core.errors import Denied


def person(request: HttpRequest | Request) -> User:
    """The signed-in user, whose teams are read once, because most questions of rights ask for them.

    Raises Denied for nobody, should a door ever be left open.
    """
    if isinstance(request.user, User):
        know_teams(request.user)
        return request.user
    raise Denied("Sign in first.")
