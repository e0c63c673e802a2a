"""The pages on which cards are written: of a version, and of all versions of a family."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import require
from apps.registry import actions, queries
from apps.registry.forms.cards import CardForm, FamilyCardForm
from apps.registry.web.saying import tell

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.registry.cards import Card


def fill_in(request: HttpRequest, version_id: int) -> HttpResponse:
    (version,) = queries.versions_by_id(actor=person(request), ids=[version_id])
    require(person(request), "registry.register", version.model)
    family = version.model.its_family
    form = CardForm(request.POST or None, card=queries.card_of(actor=person(request), version=version))

    def save(words: dict[str, str], seen: str | None) -> None:
        actions.fill_card(actor=person(request), version=version, card=words, seen=seen)

    if _saved(request, form, save):
        return redirect("dashboard:version-card", family.slug, version.model.its_segment.slug, version.number)
    version.card = _looked_at(request, form) or version.card
    preview = queries.card_of(actor=person(request), version=version) if _looked_at(request, form) is not None else None
    return _page(request, form, preview, family=family, version=version)


def fill_in_family(request: HttpRequest, slug: str) -> HttpResponse:
    family = queries.family(actor=person(request), slug=slug)
    require(person(request), "registry.register", family)
    form = FamilyCardForm(request.POST or None, card=queries.family_card(family), strict=False)

    def save(words: dict[str, str], seen: str | None) -> None:
        actions.fill_family_card(actor=person(request), family=family, card=words, seen=seen)

    if _saved(request, form, save):
        return redirect("dashboard:card", family.slug)
    family.card = _looked_at(request, form) or family.card
    preview = queries.family_card(family) if _looked_at(request, form) is not None else None
    return _page(request, form, preview, family=family, version=None)


def _saved(request: HttpRequest, form: CardForm, save: Callable[[dict[str, str], str | None], None]) -> bool:
    """False for a preview, and for what is refused: the form says why then."""
    if request.method != "POST" or "preview" in request.POST or not form.is_valid():
        return False
    try:
        save(form.as_said(), form.cleaned_data["seen"] or None)
    except PortalError as error:
        tell(form, error)
        return False
    messages.success(request, "Saved. The gates look at it anew.")
    return True


def _looked_at(request: HttpRequest, form: CardForm) -> dict[str, str] | None:
    """What a preview shows, though it be only begun; None where nobody asked for one."""
    if "preview" not in request.POST:
        return None
    form.allow_gaps()
    return form.as_said() if form.is_valid() else None


def _page(request: HttpRequest, form: CardForm, preview: Card | None, **about: Any) -> HttpResponse:
    shown = {"form": form, "preview": preview, **about}
    return render(request, "registry/card.html", shown, status=400 if form.errors else 200)
