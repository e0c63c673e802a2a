"""The provider's people, out of its directory, and its addresses; only ever imported inside its process."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import include, path
from django.views import View
from oauth2_provider.oauth2_validators import OAuth2Validator

from tests.outside.provider import PASSWORD

FORM = """<!doctype html><html lang="en"><title>Company login</title><h1>Company login</h1>
<form method="post"><input type="hidden" name="next" value="{{ goal }}">
<label>Name <input name="username"></label>
<label>Password <input name="password" type="password"></label><button>Log in</button></form></html>"""


def person(username: str) -> dict[str, Any]:
    return dict(json.loads(settings.DIRECTORY.read_text()).get(username, {}))


class Directory(ModelBackend):
    def authenticate(self, request: HttpRequest | None, username: str = "", password: str = "", **_: Any) -> Any:
        known = person(username)
        if known.get("active") and password == PASSWORD:
            return User.objects.get_or_create(username=username)[0]
        return None


class Claims(OAuth2Validator):
    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        return dict(person(request.user.username)["claims"])

    def get_id_token_dictionary(self, token: Any, token_handler: Any, request: Any) -> Any:
        """A provider whose clock is late signs what has ended already."""
        claims, ends = super().get_id_token_dictionary(token, token_handler, request)
        late = timedelta(seconds=person(request.user.username).get("late", 0))
        return {**claims, "exp": claims["exp"] - int(late.total_seconds())}, ends - late

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **more: Any) -> bool:
        holds = super().validate_refresh_token(refresh_token, client, request, *args, **more)
        return bool(holds and person(request.user.username).get("active"))


class Login(View):
    """Name and password, then back to where the person came from."""

    def get(self, request: HttpRequest) -> HttpResponse:
        shown = {"goal": request.GET.get("next", "")}
        return HttpResponse(engines["django"].from_string(FORM).render(shown))

    def post(self, request: HttpRequest) -> HttpResponse:
        user = authenticate(request, username=request.POST["username"], password=request.POST["password"])
        if user is None:
            return HttpResponse("Wrong.", status=403)
        login(request, user)
        return HttpResponseRedirect(request.POST["next"])


urlpatterns = [
    path("login/", Login.as_view()),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
