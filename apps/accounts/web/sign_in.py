"""In and out: with a password, by single sign-on, through broken glass."""

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from apps.accounts import actions, glass, single_sign_on
from apps.core.errors import Denied, PortalError


class SignIn(LoginView):
    """By single sign-on where there is one, and with a password where those are not switched off."""

    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ways = {"single_sign_on": settings.OIDC_ISSUER and settings.OIDC_NAME, "passwords": settings.LOCAL_PASSWORDS}
        return super().get_context_data(**kwargs) | ways

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.LOCAL_PASSWORDS:
            raise Denied(f"Passwords are switched off here: sign in with {settings.OIDC_NAME}.")
        return super().post(request, *args, **kwargs)


class _Begin(OIDCAuthenticationRequestView):
    get_settings = staticmethod(single_sign_on.published)


class _Return(OIDCAuthenticationCallbackView):
    get_settings = staticmethod(single_sign_on.published)

    def get(self, request: HttpRequest) -> HttpResponse:
        """A refusal counts only for a sign-in that was begun in this browser."""
        if code := request.GET.get("error"):
            begun = request.session.get("oidc_states", {})
            if begun.pop(request.GET.get("state", ""), None) is None:
                raise SuspiciousOperation
            request.session.modified = True
            raise Denied(single_sign_on.refusal(code))
        return super().get(request)

    def login_failure(self) -> HttpResponse:
        raise SuspiciousOperation


@login_not_required
def begin_single_sign_on(request: HttpRequest) -> HttpResponseBase:
    """To the OpenID provider, with a state, a nonce and a code challenge of this browser's own."""
    return _led(request, _Begin)


@login_not_required
def return_from_single_sign_on(request: HttpRequest) -> HttpResponseBase:
    """Back from the provider, with a code or a refusal."""
    return _led(request, _Return)


def _led(request: HttpRequest, step: type[_Begin] | type[_Return]) -> HttpResponseBase:
    try:
        if not settings.OIDC_ISSUER:
            raise Denied("There is no single sign-on here; sign in with your name and password.")
        return step.as_view()(request)
    except (PortalError, SuspiciousOperation) as error:
        status = getattr(error, "status", 400)
        shown = {"message": single_sign_on.explained(error), "provider": settings.OIDC_NAME, "status": status}
        return render(request, "accounts/sign_in_failed.html", shown, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session here, and offers to end the provider's."""
    there = single_sign_on.address_to_sign_out(request)
    auth.logout(request)
    if not there:
        return redirect("accounts:sign-in")
    return render(request, "accounts/signed_out.html", {"there": there, "provider": settings.OIDC_NAME})


@login_not_required
def break_glass(request: HttpRequest, link: str) -> HttpResponse:
    """The way in for a platform admin when nothing else works, by a link made on the server. Opening it does nothing
    yet, so that no preview uses it up.
    """
    try:
        way = glass.read(link)
    except PortalError as error:
        shown = {"message": error.message, "status": error.status}
        return render(request, "accounts/sign_in_failed.html", shown, status=error.status)
    if request.method != "POST":
        return render(request, "accounts/break_glass.html", {"way": way})
    actions.break_glass(user=way.user, reason=way.reason)
    auth.login(request, way.user, backend="apps.accounts.single_sign_on.Backend")
    return redirect("/")


@login_not_required
def locked_out(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    """Too many wrong passwords for this name from this address."""
    return render(request, "accounts/locked_out.html", status=429)
