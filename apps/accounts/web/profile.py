"""Who I am here, with my password and my API tokens."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts import actions, queries
from apps.accounts.forms import PasswordForm, TokenForm
from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import allowed, require

CHANGED = "Your password is changed. You are signed out in all other browsers; your API tokens go on."


def profile(request: HttpRequest) -> HttpResponse:
    """Who I am here, and my tokens; a new token's secret is shown this once."""
    form = TokenForm(request.POST or None)
    new = _create(request, form) if request.method == "POST" and form.is_valid() else None
    shown = {
        "form": TokenForm() if new else form,
        "new": new,
        "tokens": queries.tokens_of(person(request)),
        "may_change_password": allowed(person(request), "accounts.change_password"),
    }
    return render(request, "accounts/profile.html", shown, status=400 if form.errors else 200)


def _create(request: HttpRequest, form: TokenForm) -> actions.NewToken | None:
    try:
        return actions.create_token(actor=person(request), **form.cleaned_data)
    except PortalError as error:
        form.add_error(error.field or "name", error.message)
        return None


@sensitive_post_parameters()
def password(request: HttpRequest) -> HttpResponse:
    """Another password of one's own; all sessions end but this one, whose key changes. The API has no such thing: what
    a token could do here, whoever finds the token could.
    """
    user = person(request)
    require(user, "accounts.change_password")
    form = PasswordForm(request, user)
    if request.method == "POST" and form.is_valid():
        actions.change_password(actor=user, password=form.cleaned_data["new_password1"])
        update_session_auth_hash(request, user)
        messages.success(request, CHANGED)
        return redirect("accounts:profile")
    return render(request, "accounts/password.html", {"form": form}, status=400 if form.errors else 200)


@require_POST
def revoke(request: HttpRequest, token_key: str) -> HttpResponse:
    token = get_object_or_404(queries.tokens_of(person(request)), token_key=token_key)
    actions.revoke_token(actor=person(request), token=token)
    return redirect("accounts:profile")
