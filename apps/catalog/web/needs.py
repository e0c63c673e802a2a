"""Pages of what people lack and use: gaps, requests with what they would mean, usage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.catalog import actions, queries
from apps.catalog.actions import Answer, Gap, Wish
from apps.catalog.forms import AnswerForm, GapForm, ReasonForm, WishForm, initial_of_gap
from apps.catalog.references import resolved
from apps.catalog.web.page import pressed, reader, tried
from apps.core.permissions import require

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.accounts.models import User
    from apps.catalog.models import FeatureGap, Tool, ToolRequest

SHOWN = 50


def requests(request: HttpRequest) -> HttpResponse:
    page = Paginator(queries.requests(actor=person(request)), SHOWN).get_page(request.GET.get("page"))
    return render(request, "catalog/request_list.html", {"page": page})


def request_detail(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.request(actor=reader(request), pk=pk)
    asked = {name: getattr(found, name) for name in ("capability", "tool", "people", "team")}
    means = queries.what_if(actor=person(request), request=found, **asked)
    form = AnswerForm(actor=person(request), wish=found)
    shown = {"wish": found, "means": means, "form": form, "history": queries.history(found)}
    return render(request, "catalog/request_detail.html", shown)


def ask(request: HttpRequest) -> HttpResponse:
    """What it would mean is shown first; it is sent from there."""
    form = WishForm(request.POST or None, actor=person(request), initial=request.GET.dict())
    if not (request.method == "POST" and form.is_valid()):
        return _request_form(request, form, status=400 if form.errors else 200)
    if "send" in request.POST and tried(form, lambda: _ask(request, form)):
        messages.success(request, "Sent: a catalog editor or the board answers.")
        return redirect("catalog:requests")
    return _what_if(request, form)


def _ask(request: HttpRequest, form: WishForm) -> None:
    actions.request_tool(actor=person(request), wish=Wish(**resolved(person(request), form.cleaned_data)))


def _what_if(request: HttpRequest, form: WishForm) -> HttpResponse:
    found: dict[str, Any] = {}

    def look() -> None:
        found.update(resolved(person(request), form.cleaned_data))

    if not form.errors and tried(form, look):
        known = {name: found[name] for name in ("capability", "tool", "people", "team")}
        means = queries.what_if(actor=person(request), **known)
        return _request_form(request, form, means=means)
    return _request_form(request, form, status=400)


def _request_form(request: HttpRequest, form: WishForm, *, status: int = 200, **shown: object) -> HttpResponse:
    names = queries.tool_names(actor=person(request))
    return render(request, "catalog/request_form.html", {"form": form, "names": names, **shown}, status=status)


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.request(actor=person(request), pk=pk)

    def verb(*, actor: User, wish: ToolRequest, **said: Any) -> object:
        return actions.answer_request(actor=actor, request=wish, answer=Answer(**resolved(actor, said)))

    shape = partial(AnswerForm, actor=person(request), wish=found)
    return pressed(request, shape, verb, "Answered.", ("catalog:request", str(pk)), wish=found)


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.request(actor=person(request), pk=pk)

    def verb(*, actor: User, wish: ToolRequest, reason: str) -> object:
        return actions.withdraw_request(actor=actor, request=wish, reason=reason)

    return pressed(request, ReasonForm, verb, "Withdrawn.", ("catalog:request", str(pk)), wish=found)


def record_gap(request: HttpRequest, slug: str) -> HttpResponse:
    found = queries.tool(actor=person(request), slug=slug)
    form = GapForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and tried(form, lambda: _record_gap(request, found, form)):
        return redirect("catalog:tool", slug)
    names = queries.tool_names(actor=person(request))
    shown = {"tool": found, "form": form, "heading": "a feature gap", "verb": "Record it", "names": names}
    return render(request, "catalog/about_tool_form.html", shown, status=400 if form.errors else 200)


def _record_gap(request: HttpRequest, tool: Tool, form: GapForm) -> None:
    said = resolved(person(request), form.cleaned_data)
    hurts = said.pop("hurts")
    actions.record_gap(actor=person(request), tool=tool, gap=Gap(**said), hurts=hurts)


def gaps(request: HttpRequest) -> HttpResponse:
    """What our tools can not do, and how often waiting for their makers was enough."""
    found = queries.gaps(actor=reader(request))
    page = Paginator(found, SHOWN).get_page(request.GET.get("page"))
    shown = {"page": page, "tally": queries.gap_tally(actor=person(request))}
    return render(request, "catalog/gap_list.html", shown)


def edit_gap(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.gap(actor=person(request), pk=pk)
    require(person(request), "catalog.edit_gap", found)
    form = GapForm(request.POST or None, initial=initial_of_gap(found))
    if request.method == "POST" and form.is_valid() and tried(form, lambda: _edit_gap(request, found, form)):
        return redirect("catalog:tool", found.tool.slug)
    names = queries.tool_names(actor=person(request))
    shown = {"tool": found.tool, "form": form, "heading": "a feature gap", "verb": "Save", "names": names}
    return render(request, "catalog/about_tool_form.html", shown, status=400 if form.errors else 200)


def _edit_gap(request: HttpRequest, gap: FeatureGap, form: GapForm) -> None:
    said = resolved(person(request), form.cleaned_data)
    hurts = said.pop("hurts")
    actions.edit_gap(actor=person(request), gap=gap, wanted=Gap(**said), hurts=hurts)


@require_POST
def end_usage(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.usage(actor=person(request), pk=pk)
    back = ("catalog:tool", found.tool.slug)
    return pressed(request, Form, actions.end_usage, "Ended: it counts as moved.", back, usage=found)
