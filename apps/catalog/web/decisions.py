"""Pages of decisions: the list, a decision, and what the board says to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.shortcuts import render
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.catalog import actions, queries
from apps.catalog.filters import DecisionFilter
from apps.catalog.forms import AcceptForm, ReasonForm
from apps.catalog.voting import digest_of_decision
from apps.catalog.web.page import pressed

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

DECISIONS_PER_PAGE = 50


def decisions(request: HttpRequest) -> HttpResponse:
    wanted = DecisionFilter(request.GET, queries.decisions(actor=person(request)))
    page = Paginator(wanted.qs, DECISIONS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "catalog/decision_list.html", {"filter": wanted, "page": page})


def decision(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)
    shown = {
        "decision": found,
        "history": queries.history(found),
        "votes": queries.votes_of(found),
        "digest": digest_of_decision(found),
    }
    return render(request, "catalog/decision_detail.html", shown)


@require_POST
def accept(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)
    done = "You said yes: with all the votes it needs it holds from today."
    return pressed(request, AcceptForm, actions.accept_decision, done, ("catalog:decision", number), decision=found)


@require_POST
def send_back(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)
    done = "Sent back: it is a draft again, and its history shows your reason."
    return pressed(request, ReasonForm, actions.send_back_decision, done, ("catalog:decision", number), decision=found)


@require_POST
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)
    done = "Withdrawn: it is a draft again."
    return pressed(request, ReasonForm, actions.withdraw_decision, done, ("catalog:decision", number), decision=found)


@require_POST
def close(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)
    done = "Closed; everybody can still read it."
    return pressed(request, ReasonForm, actions.close_decision, done, ("catalog:decision", number), decision=found)
