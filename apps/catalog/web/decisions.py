"""Pages of decisions: the list, a decision, and what the board says to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.catalog import actions, queries
from apps.catalog.actions import OptionDraft, Text
from apps.catalog.exchange.madr import write_madr
from apps.catalog.filters import DecisionFilter
from apps.catalog.forms import (
    AcceptForm,
    DecisionForm,
    LookBackForm,
    OptionForm,
    PostponeForm,
    ReasonForm,
    SupersedeForm,
)
from apps.catalog.forms.decisions import OPTIONS_OFFERED, initial_of, initial_of_option
from apps.catalog.queries.decisions import Weighed
from apps.catalog.references import resolved
from apps.catalog.voting import digest_of_decision
from apps.catalog.web.page import pressed, reader, tried
from apps.core.downloads import text_download
from apps.core.permissions import require

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.accounts.models import User
    from apps.catalog.models import Decision

DECISIONS_PER_PAGE = 50
OPEN_OPTIONS = 2


def decisions(request: HttpRequest) -> HttpResponse:
    wanted = DecisionFilter(request.GET, queries.decisions(actor=person(request)))
    page = Paginator(wanted.qs, DECISIONS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "catalog/decision_list.html", {"filter": wanted, "page": page})


def decision(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=reader(request), label=number)
    shown = {
        "decision": found,
        "history": queries.history(found),
        "votes": queries.votes_of(found),
        "digest": digest_of_decision(found),
        "options": [Weighed.of(option, found.criteria) for option in found.options.all()],
        "known": queries.then_and_now_of(actor=person(request), decision=found),
        "burn_down": queries.burn_down(actor=person(request), decision=found) if found.moves_from else None,
        "verdicts": found.Verdict.choices,
        "renewals": queries.renewals_of(found),
    }
    return render(request, "catalog/decision_detail.html", shown)


def write(request: HttpRequest) -> HttpResponse:
    """A new draft; `?kind=exception` asks for an exception."""
    first = {
        name: request.GET[name] for name in ("kind", "capability", "tool", "team", "moves_from") if name in request.GET
    }
    form = DecisionForm(request.POST or None, actor=person(request), initial=first)
    options = _option_forms(request, [])
    if _is_complete(request, form, options) and tried(form, lambda: _draft(request, form, options)):
        messages.success(request, "Saved as a draft. Propose it when it says enough.")
        return redirect("catalog:decision", form.made.label)
    return _form_page(request, form, options, None)


def edit(request: HttpRequest, number: str) -> HttpResponse:
    """Only a draft can be edited."""
    found = queries.decision(actor=person(request), label=number)
    require(person(request), "catalog.edit_decision", found)
    form = DecisionForm(request.POST or None, actor=person(request), initial=initial_of(found))
    options = _option_forms(request, [initial_of_option(option, found.criteria) for option in found.options.all()])
    if _is_complete(request, form, options) and tried(form, lambda: _edit(request, found, form, options)):
        messages.success(request, "Saved.")
        return redirect("catalog:decision", number)
    return _form_page(request, form, options, found)


def _option_forms(request: HttpRequest, initial: list[dict[str, Any]]) -> list[OptionForm]:
    many = max(OPTIONS_OFFERED, len(initial) + 1)
    filled = [*initial, *[{}] * (many - len(initial))]
    sent = request.POST or None
    return [OptionForm(sent, initial=first, prefix=f"option{number}") for number, first in enumerate(filled)]


def _is_complete(request: HttpRequest, form: DecisionForm, options: list[OptionForm]) -> bool:
    """True for a form to be saved; a preview is only looked at."""
    sent = request.method == "POST" and "preview" not in request.POST
    return sent and all([form.is_valid(), *[option.is_valid() for option in options]])


def _draft(request: HttpRequest, form: DecisionForm, options: list[OptionForm]) -> None:
    text, drafts = _text(request, form), _drafts(request, form, options)
    form.made = actions.draft_decision(actor=person(request), text=text, options=drafts)


def _edit(request: HttpRequest, found: Decision, form: DecisionForm, options: list[OptionForm]) -> None:
    text, drafts = _text(request, form), _drafts(request, form, options)
    actions.edit_decision(actor=person(request), decision=found, text=text, options=drafts)


def _text(request: HttpRequest, form: DecisionForm) -> Text:
    return Text(**resolved(person(request), form.cleaned_data))


def _drafts(request: HttpRequest, form: DecisionForm, options: list[OptionForm]) -> list[OptionDraft]:
    said = [option.words(form.cleaned_data["criteria"]) for option in options if option.is_used]
    return [OptionDraft(**resolved(person(request), words)) for words in said]


def _form_page(
    request: HttpRequest, form: DecisionForm, options: list[OptionForm], found: Decision | None
) -> HttpResponse:
    looked_at = "preview" in request.POST
    need = form["capability"].value() or "-"
    shown = {
        "form": form,
        "options": options,
        "unfolded": _first_folded(options),
        "names": queries.tool_names(actor=person(request)),
        "decision": found,
        "previewed": {name: form[name].value() for name in PROSE} if looked_at else {},
        "kind": form["kind"].value(),
        "similar": queries.decisions(actor=person(request)).filter(capability__slug=need)[:5],
    }
    broken = request.method == "POST" and not looked_at
    return render(request, "catalog/decision_form.html", shown, status=400 if broken else 200)


def _first_folded(options: list[OptionForm]) -> int:
    """The number of the first option that is folded away: at least two are open, and all that say something."""
    said = [number for number, option in enumerate(options, start=1) if option.has_changed() or any(option.initial)]
    return max([OPEN_OPTIONS, *said]) + 1


PROSE = ("context", "drivers", "outcome", "consequences")


def madr(request: HttpRequest, number: str) -> HttpResponse:
    """The decision as a MADR file."""
    found = queries.decision(actor=person(request), label=number)
    return text_download(write_madr(found), name=f"{found.label}.md", kind="text/markdown")


def postponed(request: HttpRequest) -> HttpResponse:
    """What we wait for, and what waiting has brought."""
    return render(request, "catalog/postponed.html", {"waiting": queries.waiting(actor=person(request))})


@require_POST
def propose(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)
    done = "Proposed: the board finds it in its inbox."
    return pressed(request, Form, actions.propose_decision, done, ("catalog:decision", number), decision=found)


@require_POST
def postpone(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)
    done = "It goes on waiting."
    return pressed(request, PostponeForm, actions.postpone_again, done, ("catalog:decision", number), decision=found)


@require_POST
def renew(request: HttpRequest, number: str) -> HttpResponse:
    """Asks for an exception again."""
    found = queries.decision(actor=person(request), label=number)
    done = "Asked for: the board finds the renewal in its inbox."
    return pressed(request, PostponeForm, actions.renew_exception, done, ("catalog:decision", number), decision=found)


@require_POST
def look_back(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)
    done = "Kept, beside what was known then."
    return pressed(request, LookBackForm, actions.look_back, done, ("catalog:decision", number), decision=found)


@require_POST
def supersede(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.decision(actor=person(request), label=number)

    def verb(*, actor: User, decision: Decision, by: str) -> object:
        newer = resolved(actor, {"by": by})["by"]
        return actions.supersede_decision(actor=actor, decision=decision, by=newer)

    done = "Superseded; both stay readable."
    return pressed(request, SupersedeForm, verb, done, ("catalog:decision", number), decision=found)


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
