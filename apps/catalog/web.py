"""Pages of the catalog: tools, a tool, editing its position, decisions, a decision and what the board says to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.catalog import actions, queries
from apps.catalog.actions import Opinion
from apps.catalog.filters import DecisionFilter, ToolPageFilter
from apps.catalog.forms import AcceptForm, PositionForm, ReasonForm, initial
from apps.catalog.references import resolved
from apps.core.errors import Conflict, Exists, Invalid, PortalError
from apps.core.permissions import require

if TYPE_CHECKING:
    from django import forms
    from django.http import HttpRequest, HttpResponse

    from apps.catalog.models import Tool

TOOLS_PER_PAGE = 100
DECISIONS_PER_PAGE = 50


def tools(request: HttpRequest) -> HttpResponse:
    """What we use and may use; what we have no position on only when asked for."""
    wanted = ToolPageFilter(request.GET, queries.tools(actor=person(request)))
    page = Paginator(wanted.qs, TOOLS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "catalog/tool_list.html", {"filter": wanted, "page": page})


def tool(request: HttpRequest, slug: str) -> HttpResponse:
    found = queries.tool(actor=person(request), slug=slug)
    position = getattr(found, "position", None)
    shown = {
        "tool": found,
        "position": position,
        "considered": queries.considered_in(actor=person(request), tool=found),
        "history": queries.history(*filter(None, [found, position])),
    }
    return render(request, "catalog/tool_detail.html", shown)


def edit_position(request: HttpRequest, slug: str) -> HttpResponse:
    """Move the tool to another ring, or edit what we think of it."""
    found = queries.tool(actor=person(request), slug=slug)
    require(person(request), "catalog.edit", found)
    form = PositionForm(request.POST or None, actor=person(request), tool=found, initial=initial(found))
    if request.method == "POST" and form.is_valid() and _place(request, found, form):
        return redirect("catalog:tool", slug)
    shown = {"tool": found, "form": form}
    return render(request, "catalog/position_form.html", shown, status=400 if form.errors else 200)


def _place(request: HttpRequest, tool: Tool, form: PositionForm) -> bool:
    """True when done; otherwise the form says why not."""
    try:
        sent = resolved(person(request), form.cleaned_data)
        reason, revision = sent.pop("reason"), sent.pop("revision")
        opinion = replace(Opinion.of(tool), **sent)
        actions.place_tool(actor=person(request), tool=tool, opinion=opinion, reason=reason, revision=revision)
    except Invalid as error:
        for name, sentence in (error.errors or {"": error.message}).items():
            form.add_error(name if name in form.fields else None, sentence)
    except (Conflict, Exists) as error:
        form.add_error(None, error.message)
    return not form.errors


def decisions(request: HttpRequest) -> HttpResponse:
    wanted = DecisionFilter(request.GET, queries.decisions(actor=person(request)))
    page = Paginator(wanted.qs, DECISIONS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "catalog/decision_list.html", {"filter": wanted, "page": page})


def decision(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)
    return render(request, "catalog/decision_detail.html", {"decision": found, "history": queries.history(found)})


@require_POST
def accept(request: HttpRequest, number: str) -> HttpResponse:
    return _conclude(request, number, AcceptForm, actions.accept_decision, "Accepted: it holds from today.")


@require_POST
def send_back(request: HttpRequest, number: str) -> HttpResponse:
    done = "Sent back: it is a draft again, and its history shows your reason."
    return _conclude(request, number, ReasonForm, actions.send_back_decision, done)


@require_POST
def close(request: HttpRequest, number: str) -> HttpResponse:
    return _conclude(request, number, ReasonForm, actions.close_decision, "Closed; everybody can still read it.")


def _conclude(
    request: HttpRequest, number: str, shape: type[forms.Form], verb: Callable[..., object], done: str
) -> HttpResponse:
    """Whatever comes of it is said on the decision's own page."""
    found = queries.decision(actor=person(request), label=number)
    form = shape(request.POST)
    try:
        if not form.is_valid():
            raise Invalid(" ".join(str(error) for errors in form.errors.values() for error in errors))
        verb(actor=person(request), decision=found, **form.cleaned_data)
        messages.success(request, done)
    except PortalError as error:
        messages.error(request, error.message)
    return redirect("catalog:decision", number)
