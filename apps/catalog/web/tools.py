"""Pages of tools: the list, a tool, its position, and proposals of another ring."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.catalog import actions, queries
from apps.catalog.actions import Opinion
from apps.catalog.filters import DecisionFilter, ToolPageFilter
from apps.catalog.forms import AcceptForm, MoveForm, PositionForm, ReasonForm, ReviewForm, initial
from apps.catalog.models import RingMove
from apps.catalog.references import resolved
from apps.catalog.tables import next_review, tool_table
from apps.catalog.voting import digest_of_move
from apps.catalog.web.overview import this_quarter
from apps.catalog.web.page import pressed, reader, tried
from apps.core.permissions import require

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.catalog.models import Decision, Tool

TOOLS_PER_PAGE = 60
MOVES_SHOWN = 50
DECISIONS_SHOWN = 10


def tools(request: HttpRequest) -> HttpResponse:
    """What we use and may use; what we have no position on only when asked for."""
    wanted = ToolPageFilter(request.GET, queries.listed(actor=person(request)))
    page = Paginator(queries.with_use(wanted.qs), TOOLS_PER_PAGE).get_page(request.GET.get("page"))
    shown = {"filter": wanted, "page": page, "needs": tool_table(page.object_list)}
    return render(request, "catalog/tool_list.html", shown | {"quarter": this_quarter(), "decided": _decided(request)})


def _decided(request: HttpRequest) -> list[Decision]:
    """A search for words finds the decisions about them, too."""
    if not request.GET.get("q", "").strip():
        return []
    found = DecisionFilter({"q": request.GET["q"]}, queries.decisions(actor=person(request)))
    return list(found.qs[:DECISIONS_SHOWN]) if found.form.is_valid() else []


def tool(request: HttpRequest, slug: str) -> HttpResponse:
    actor = reader(request)
    found = queries.tool(actor=actor, slug=slug)
    position = getattr(found, "position", None)
    shown = {
        "tool": found,
        "position": position,
        "next_review": next_review(position) if position else "",
        "considered": queries.considered_in(actor=actor, tool=found),
        "history": queries.history(*filter(None, [found, position])),
        "move": queries.moves(actor=actor).filter(tool=found, status=RingMove.Status.PROPOSED).first(),
        "usages": queries.usages(actor=actor).filter(tool=found),
        "gaps": queries.gaps(actor=actor).filter(tool=found),
        "costs": queries.costs_of(actor=actor, tool=found),
        "exceptions": queries.active_exceptions(actor=actor).filter(tool=found),
    }
    return render(request, "catalog/tool_detail.html", shown)


def edit_position(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit what we think of a tool, but for its ring."""
    found = queries.tool(actor=person(request), slug=slug)
    require(person(request), "catalog.edit", found)
    form = PositionForm(request.POST or None, actor=person(request), tool=found, initial=initial(found))
    if request.method == "POST" and form.is_valid() and tried(form, lambda: _edit(request, found, form)):
        return redirect("catalog:tool", slug)
    shown = {"tool": found, "form": form}
    return render(request, "catalog/position_form.html", shown, status=400 if form.errors else 200)


def _edit(request: HttpRequest, tool: Tool, form: PositionForm) -> None:
    sent = resolved(person(request), form.cleaned_data)
    experts, revision = sent.pop("experts"), sent.pop("revision")
    opinion = replace(Opinion.of(tool), **sent)
    with transaction.atomic():
        actions.edit_position(actor=person(request), tool=tool, opinion=opinion, revision=revision)
        if {expert.pk for expert in experts} != {expert.pk for expert in tool.position.experts.all()}:
            actions.name_experts(actor=person(request), tool=tool, experts=experts)


def propose_move(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask the board to move the tool to another ring, or to give it its first."""
    found = queries.tool(actor=person(request), slug=slug)
    form = MoveForm(request.POST or None, actor=person(request), tool=found, initial=initial(found))
    if request.method == "POST" and form.is_valid() and tried(form, lambda: _propose(request, found, form)):
        messages.success(request, "Proposed: the board finds it in its inbox.")
        return redirect("catalog:tool", slug)
    shown = {"tool": found, "form": form}
    return render(request, "catalog/move_form.html", shown, status=400 if form.errors else 200)


def _propose(request: HttpRequest, tool: Tool, form: MoveForm) -> None:
    sent = resolved(person(request), form.cleaned_data)
    reason = sent.pop("reason")
    actions.propose_move(actor=person(request), tool=tool, opinion=Opinion(**sent), reason=reason)


def moves(request: HttpRequest) -> HttpResponse:
    """Proposals that wait for the board, then what was decided."""
    found = queries.moves(actor=person(request))
    waiting = list(found.filter(status=RingMove.Status.PROPOSED).reverse())
    page = Paginator(found.exclude(status=RingMove.Status.PROPOSED), MOVES_SHOWN).get_page(request.GET.get("page"))
    return render(request, "catalog/move_list.html", {"waiting": waiting, "page": page})


def move(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.move(actor=person(request), pk=pk)
    tool = queries.tool(actor=person(request), slug=found.tool.slug)
    shown = {"move": found, "tool": tool, "digest": digest_of_move(found), "history": queries.history(tool)}
    return render(request, "catalog/move_detail.html", shown)


@require_POST
def approve_move(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.move(actor=person(request), pk=pk)
    done = f"You said yes to {found}."
    return pressed(request, AcceptForm, actions.approve_move, done, ("catalog:move", str(pk)), move=found)


@require_POST
def refuse_move(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.move(actor=person(request), pk=pk)
    done = "Refused; whoever proposed it reads your reason."
    return pressed(request, ReasonForm, actions.refuse_move, done, ("catalog:move", str(pk)), move=found)


@require_POST
def withdraw_move(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.move(actor=person(request), pk=pk)
    return pressed(request, ReasonForm, actions.withdraw_move, "Withdrawn.", ("catalog:move", str(pk)), move=found)


@require_POST
def confirm_facts(request: HttpRequest, slug: str) -> HttpResponse:
    """These facts have been checked: they are no longer called unverified."""
    found = queries.tool(actor=person(request), slug=slug)
    actions.confirm_facts(actor=person(request), tool=found, names=request.POST.getlist("names"))
    return redirect("catalog:tool", slug)


@require_POST
def review(request: HttpRequest, slug: str) -> HttpResponse:
    found = queries.tool(actor=person(request), slug=slug)
    done = "Reviewed: it still holds."
    return pressed(request, ReviewForm, actions.confirm_position, done, ("catalog:tool", slug), tool=found)
