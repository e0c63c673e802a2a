"""Pages of retention: a family's rule with what goes by it, and the list of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.signed_in import person
from apps.core.errors import Invalid, Missing, PortalError
from apps.core.permissions import allowed
from apps.registry import queries as registry
from apps.retention import actions, lists, queries
from apps.retention.forms import DaysForm, SaveForm, TermsForm
from apps.retention.models import Rule
from apps.retention.terms import NAMES, Kind

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.registry.models import ModelFamily

PER_PAGE = 100
CUTS_SHOWN = 25
BEGINS_LATER = "Saved. It begins to remove a day from now; until then you can take it back here."


@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest, slug: str) -> HttpResponse:
    """GET `?logs_days=90…` shows what would go by these days; POST makes them the rule, with the preview's digest."""
    family = registry.family(actor=person(request), slug=slug)
    if request.method == "POST":
        return _save(request, family)
    kept = queries.rule_of(family)
    asked = TermsForm(request.GET) if set(NAMES) & set(request.GET) else None
    return _page(request, family, kept, asked or TermsForm(initial=queries.terms_of(kept).told))


@require_safe
def going(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """GET `?days=90`: what of one kind would go by these days, the oldest first."""
    family = registry.family(actor=person(request), slug=slug)
    if kind not in Kind:
        raise Missing(f"There are {', '.join(Kind)}; {kind[:40]!r} is none of them.")
    chosen, form = Kind(kind), DaysForm(request.GET)
    if not form.is_valid():
        raise Invalid("Say how many days: add ?days=90 to the address.", field="days")
    found = lists.found(family, chosen, form.cleaned_data["days"])
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    items = [(one, _address(family, one)) for one in lists.items(chosen, list(page))]
    shown = {"family": family, "kind": chosen, "days": form.cleaned_data["days"], "page": page, "items": items}
    return render(request, "retention/going.html", shown)


def _save(request: HttpRequest, family: ModelFamily) -> HttpResponse:
    form = SaveForm(request.POST)
    if not form.is_valid():
        return _page(request, family, queries.rule_of(family), TermsForm(request.POST), status=400)
    terms = form.terms()
    try:
        actions.set_rule(actor=person(request), family=family, terms=terms, plan=form.cleaned_data["plan"])
    except PortalError as error:
        messages.error(request, error.message)
        return _page(request, family, queries.rule_of(family), TermsForm(request.POST), status=error.status)
    messages.success(request, "Saved: everything is kept." if terms.keeps_everything else BEGINS_LATER)
    return redirect("retention:rule", family.slug)


def _page(
    request: HttpRequest, family: ModelFamily, kept: Rule | None, form: TermsForm, status: int = 200
) -> HttpResponse:
    preview, terms = _preview(family, kept, form), queries.terms_of(kept)
    begins_at = queries.begins_at(kept) if kept and not terms.keeps_everything else None
    shown = {
        "family": family,
        "form": form,
        "rule": kept,
        "terms": terms,
        "begins_at": begins_at if begins_at and begins_at > timezone.now() else None,
        "rests": queries.rests_because(kept, family) if kept else "",
        "preview": preview,
        "is_rule": preview is not None and preview.terms == terms,
        "may_set": allowed(person(request), "retention.set_rule", family),
        "page": Paginator(queries.cuts(family), CUTS_SHOWN).get_page(request.GET.get("page")),
    }
    return render(request, "retention/rule.html", shown, status=400 if form.errors else status)


def _preview(family: ModelFamily, kept: Rule | None, form: TermsForm) -> queries.Preview | None:
    """Of what is in the form, else of the rule; None while the form makes no sense."""
    if not form.is_bound:
        return queries.preview(family, queries.terms_of(kept))
    if not form.is_valid():
        return None
    try:
        return queries.preview(family, form.terms())
    except Invalid as error:
        for field, sentence in error.errors.items():
            form.add_error(field, sentence)
        return None


def _address(family: ModelFamily, item: lists.Item) -> str:
    if not item.place:
        return ""
    if item.what == "version":
        return reverse("dashboard:version", args=[family.slug, *item.place])
    return reverse("dashboard:run" if item.what == "run" else "retraining:run", args=item.place)
