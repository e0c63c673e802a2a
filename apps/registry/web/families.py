"""A family's settings: making one, and changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import require
from apps.registry import actions, queries
from apps.registry.forms import FamilyForm, NewFamilyForm, OwnerForm, settings_of
from apps.registry.models import ModelFamily
from apps.registry.web.saying import tell

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def create(request: HttpRequest) -> HttpResponse:
    require(person(request), "registry.create_family")
    form = NewFamilyForm(request.POST or None, initial=settings_of(ModelFamily()))
    if request.method == "POST" and form.is_valid() and (made := _create(request, form)):
        messages.success(request, f"{made} is there. Add its segments, and look at its gates, before it promotes.")
        return redirect("dashboard:family", made.slug)
    shown = {"form": form, "dimensions": queries.dimensions()}
    return render(request, "registry/family_form.html", shown, status=400 if form.errors else 200)


def edit(request: HttpRequest, slug: str) -> HttpResponse:
    family = queries.family(actor=person(request), slug=slug)
    require(person(request), "registry.edit_family", family)
    form = FamilyForm(request.POST or None, initial=settings_of(family))
    if request.method == "POST" and form.is_valid() and _save(request, family, form):
        messages.success(request, "Saved." if form.has_changed() else "Nothing was different, so nothing has changed.")
        return redirect(f"{reverse('dashboard:family', args=[slug])}?tab=settings")
    shown = {"form": form, "family": family, "declared": queries.declared_contract(family)}
    return render(request, "registry/family_form.html", shown, status=400 if form.errors else 200)


def hand_over(request: HttpRequest, slug: str) -> HttpResponse:
    """Gives the family to another team."""
    family = queries.family(actor=person(request), slug=slug)
    require(person(request), "registry.hand_over", family)
    form = OwnerForm(request.POST or None, owner=family.team)
    if request.method == "POST" and form.is_valid() and _hand_over(request, family, form):
        messages.success(request, f"{family} belongs to {form.cleaned_data['team']} now.")
        return redirect(f"{reverse('dashboard:family', args=[slug])}?tab=settings")
    shown = {"form": form, "family": family}
    return render(request, "registry/family_owner.html", shown, status=400 if form.errors else 200)


def _hand_over(request: HttpRequest, family: ModelFamily, form: OwnerForm) -> bool:
    try:
        actions.hand_over(actor=person(request), family=family, **form.cleaned_data)
    except PortalError as error:
        tell(form, error)
    return not form.errors


def _create(request: HttpRequest, form: NewFamilyForm) -> ModelFamily | None:
    """None when the form says why not."""
    try:
        return actions.create_family(actor=person(request), **_settings(form))
    except PortalError as error:
        tell(form, error)
        return None


def _settings(form: FamilyForm) -> dict[str, Any]:
    """What was filled in, in the action's words."""
    settings = dict(form.cleaned_data)
    return settings | {"aliases": settings.pop("protected_aliases")}


def _save(request: HttpRequest, family: ModelFamily, form: FamilyForm) -> bool:
    settings = _settings(form)
    day = settings.pop("labelled_until")
    try:
        with transaction.atomic():
            actions.update_family(actor=person(request), family=family, **settings)
            if day and day != family.labelled_until:
                actions.set_labelled_until(actor=person(request), family=family, day=day)
    except PortalError as error:
        tell(form, error)
    return not form.errors
