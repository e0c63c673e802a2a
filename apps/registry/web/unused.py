"""Versions that nobody uses: a list to look at, and deleting what is ticked."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.signed_in import person
from apps.core.errors import Invalid, PortalError
from apps.core.permissions import allowed
from apps.registry import actions, queries
from apps.registry.forms import UnusedForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.registry.models import ModelFamily

PER_PAGE = 100


def unused(request: HttpRequest, slug: str) -> HttpResponse:
    """GET `?days=30`: what is safe to delete. POST deletes the ticked of them, all or none."""
    family = queries.family(actor=person(request), slug=slug)
    form = UnusedForm(request.GET or None)
    days = form.cleaned_data["days"] if form.is_bound and form.is_valid() else queries.UNUSED_DAYS
    if request.method == "POST":
        _delete(request, family, days)
        return redirect(f"{reverse('registry:unused', args=[slug])}?{urlencode({'days': days})}")
    found = queries.unused_versions(family, days=days)
    shown = {
        "family": family,
        "form": form if form.is_bound else UnusedForm({"days": days}),
        "days": days,
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "may_delete": allowed(person(request), "registry.register", family),
    }
    return render(request, "registry/unused.html", shown, status=400 if form.errors else 200)


def _delete(request: HttpRequest, family: ModelFamily, days: int) -> None:
    try:
        versions = _ticked(request)
        actions.delete_unused(actor=person(request), family=family, versions=versions, days=days)
    except PortalError as error:
        messages.error(request, error.message)
    else:
        some = "1 version; its" if len(versions) == 1 else f"{len(versions)} versions; their"
        messages.success(request, f"Deleted {some} history stays.")


def _ticked(request: HttpRequest) -> list[int]:
    """Raises Invalid for none."""
    ids = [int(one) for one in request.POST.getlist("version") if one.isascii() and one.isdigit() and len(one) < 19]
    if not ids:
        raise Invalid("Tick at least one version first.")
    return ids
