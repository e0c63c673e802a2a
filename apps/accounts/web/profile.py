"""Who I am here, with my API tokens."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from apps.accounts import actions, queries
from apps.accounts.forms import TokenForm
from apps.accounts.signed_in import person
from apps.core.errors import PortalError


def profile(request: HttpRequest) -> HttpResponse:
    """Who I am here, and my tokens; a new token's secret is shown this once."""
    form = TokenForm(request.POST or None)
    new = _create(request, form) if request.method == "POST" and form.is_valid() else None
    shown = {"form": TokenForm() if new else form, "new": new, "tokens": queries.tokens_of(person(request))}
    return render(request, "accounts/profile.html", shown, status=400 if form.errors else 200)


def _create(request: HttpRequest, form: TokenForm) -> actions.NewToken | None:
    try:
        return actions.create_token(actor=person(request), **form.cleaned_data)
    except PortalError as error:
        form.add_error(error.field or "name", error.message)
        return None


@require_POST
def revoke(request: HttpRequest, token_key: str) -> HttpResponse:
    token = get_object_or_404(queries.tokens_of(person(request)), token_key=token_key)
    actions.revoke_token(actor=person(request), token=token)
    return redirect("accounts:profile")
