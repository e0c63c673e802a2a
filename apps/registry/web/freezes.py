"""Freezes: for a while nothing is promoted, in one family or in all of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import allowed, require
from apps.core.web import inside
from apps.registry import actions, queries
from apps.registry.forms import FreezeForm
from apps.registry.web.saying import tell

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.registry.models import ModelFamily

SHOWN = 50
A_DAY = timedelta(days=1)


def freezes(request: HttpRequest) -> HttpResponse:
    """What is frozen and was; who may, freezes every family at once."""
    may_freeze = allowed(person(request), "registry.freeze_all")
    if request.method == "POST":
        require(person(request), "registry.freeze_all")
    form = _form(request)
    if request.method == "POST" and form.is_valid() and _freeze(request, None, form):
        return redirect("registry:freezes")
    found = queries.freezes(person(request))[:SHOWN]
    shown = {
        "form": form if may_freeze else None,
        "freezes": found,
        "freeze": queries.global_freeze(),
        "now": timezone.now(),
    }
    return render(request, "registry/freezes.html", shown, status=400 if form.errors else 200)


def freeze(request: HttpRequest, slug: str) -> HttpResponse:
    """Freezes one family."""
    family = queries.family(actor=person(request), slug=slug)
    require(person(request), "registry.freeze", family)
    form = _form(request)
    if request.method == "POST" and form.is_valid() and _freeze(request, family, form):
        return redirect("dashboard:family", slug)
    found = queries.freezes(person(request)).filter(family=family)[:SHOWN]
    shown = {
        "family": family,
        "form": form,
        "freezes": found,
        "freeze": queries.freeze_on(family),
        "now": timezone.now(),
    }
    return render(request, "registry/freezes.html", shown, status=400 if form.errors else 200)


@require_POST
def lift(request: HttpRequest, freeze_id: int) -> HttpResponse:
    found = queries.freeze(actor=person(request), freeze_id=freeze_id)
    try:
        actions.lift_freeze(actor=person(request), freeze=found)
        messages.success(request, "Lifted: promotions are possible again.")
    except PortalError as error:
        messages.error(request, error.message)
    return redirect(inside(request, request.POST.get("next", "")))


def _form(request: HttpRequest) -> FreezeForm:
    tomorrow = (timezone.now() + A_DAY).replace(minute=0, second=0, microsecond=0)
    return FreezeForm(request.POST or None, initial={"until": tomorrow})


def _freeze(request: HttpRequest, family: ModelFamily | None, form: FreezeForm) -> bool:
    try:
        actions.freeze(actor=person(request), family=family, **form.cleaned_data)
    except PortalError as error:
        tell(form, error)
        return False
    messages.success(request, "Frozen: nothing is promoted until then. Rolling back stays possible.")
    return True
