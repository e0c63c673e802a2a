"""Pages of service accounts: whose I keep, and those of a team with their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import actions, queries
from apps.accounts.forms import ServiceAccountForm, ServiceTokenForm
from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import require

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.accounts.models import Team

PER_PAGE = 50
PAGE = "accounts/services_of.html"


@require_safe
def teams(request: HttpRequest) -> HttpResponse:
    """The teams whose service accounts I keep; of a single one its page at once."""
    kept = queries.kept_by(person(request))
    if len(kept) == 1:
        return redirect("accounts:services-of", kept[0].slug)
    page = Paginator(kept, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/services.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """A team's service accounts and their tokens. POST `do=account` makes one, `do=token` a token, shown this once."""
    found = queries.team(slug=slug)
    require(person(request), "accounts.keep_service", found)
    if request.POST.get("do") == "account":
        return _new_account(request, found, ServiceAccountForm(request.POST))
    if request.method == "POST":
        return _new_token(request, found, ServiceTokenForm(request.POST, accounts=queries.service_accounts(found)))
    return _page(request, found)


@require_POST
def revoke(request: HttpRequest, slug: str, token_key: str) -> HttpResponse:
    found = queries.team(slug=slug)
    require(person(request), "accounts.keep_service", found)
    token = get_object_or_404(queries.service_tokens(found), token_key=token_key)
    actions.revoke_token(actor=person(request), token=token)
    messages.success(request, f"“{token.name}” is revoked: what used it stops working at once.")
    return redirect("accounts:services-of", slug)


def _new_account(request: HttpRequest, team: Team, form: ServiceAccountForm) -> HttpResponse:
    if not form.is_valid():
        return _page(request, team, account_form=form)
    try:
        made = actions.create_service_account(actor=person(request), team=team, **form.cleaned_data)
    except PortalError as error:
        form.add_error(error.field or "username", error.message)
        return _page(request, team, account_form=form)
    messages.success(request, f"{made.username} is there. It does nothing before it has a token.")
    return redirect("accounts:services-of", team.slug)


def _new_token(request: HttpRequest, team: Team, form: ServiceTokenForm) -> HttpResponse:
    if not form.is_valid():
        return _page(request, team, token_form=form)
    said = dict(form.cleaned_data)
    account = queries.service_account(team=team, username=said.pop("account"))
    try:
        made = actions.create_token(actor=person(request), account=account, **said)
    except PortalError as error:
        form.add_error(error.field if error.field in form.fields else "name", error.message)
        return _page(request, team, token_form=form)
    return _page(request, team, new=made)


def _page(request: HttpRequest, team: Team, **told: Any) -> HttpResponse:
    known = list(queries.service_accounts(team))
    page = Paginator(queries.service_tokens(team), PER_PAGE).get_page(request.GET.get("page"))
    forms = {"account_form": ServiceAccountForm(), "token_form": ServiceTokenForm(accounts=known)}
    shown = {"team": team, "known": known, "page": page, **forms, **told}
    broken = any(form.errors for form in (shown["account_form"], shown["token_form"]) if form.is_bound)
    return render(request, PAGE, shown, status=400 if broken else 200)
