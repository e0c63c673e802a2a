"""The page on which a version's card is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import require
from apps.registry import actions, queries
from apps.registry.forms.cards import CardForm
from apps.registry.web.saying import tell

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def fill_in(request: HttpRequest, version_id: int) -> HttpResponse:
    (version,) = queries.versions_by_id(actor=person(request), ids=[version_id])
    require(person(request), "registry.register", version.model)
    family = version.model.its_family
    form = CardForm(request.POST or None, asked=family.card_fields, card=version.card)
    if request.method == "POST" and form.is_valid():
        try:
            actions.fill_card(actor=person(request), version=version, card=form.as_said())
            messages.success(request, "Saved. The gates look at it anew.")
            return redirect("dashboard:version", family.slug, version.model.its_segment.slug, version.number)
        except PortalError as error:
            tell(form, error)
    shown = {"form": form, "version": version, "family": family}
    return render(request, "registry/card.html", shown, status=400 if form.errors else 200)
