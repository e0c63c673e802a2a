"""Policies, what they decided, and the signals and incidents that they look at."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.registry import queries as registry
from apps.retraining import actions, queries
from apps.retraining.forms import SIGNAL_KINDS, ParametersForm, TermsForm, titled
from apps.retraining.models import Firing, Pipeline, Policy
from apps.retraining.queries import watching
from apps.retraining.web.page import PageRequest

FIRINGS_PER_PAGE = 25
SIGNALS_PER_PAGE = 50
REHEARSED_DAYS = (7, 31, 92, 366)


@require_safe
def policies(request: PageRequest) -> HttpResponse:
    """Suggestions that wait, every policy, and the newest decisions; `family` narrows them."""
    slug = request.GET.get("family", "")
    found, decided = watching.policies(person(request)), watching.firings(person(request))
    if slug:
        family = registry.family(actor=person(request), slug=slug)
        found, decided = found.filter(family=family), decided.filter(policy__family=family)
    shown = {
        "policies": found,
        "suggestions": decided.filter(outcome=Firing.Outcome.SUGGESTED),
        "page": Paginator(decided, FIRINGS_PER_PAGE).get_page(request.GET.get("page")),
        "family": slug,
    }
    return render(request, "retraining/policies.html", shown)


@require_safe
def policy(request: PageRequest, policy_id: int) -> HttpResponse:
    """One policy: its terms, what it decided, and what it would have decided in the last `days`."""
    found = watching.policy(actor=person(request), policy_id=policy_id)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, REHEARSED_DAYS) else 0
    played = watching.rehearse(found, days=days) if days else []
    decided = watching.firings(person(request)).filter(policy=found)
    shown = {
        "policy": found,
        "parameters": titled(found.pipeline.schema, found.parameters),
        "choices": REHEARSED_DAYS,
        "days": days,
        "played": played[::-1],
        "would_fire": sum(one.fires for one in played),
        "page": Paginator(decided, FIRINGS_PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "retraining/policy.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def new_policy(request: PageRequest, slug: str) -> HttpResponse:
    """A policy for the pipeline of that slug and the `family` of the address."""
    pipeline = queries.pipeline(actor=person(request), slug=slug)
    wanted = request.POST.get("family") or request.GET.get("family", "")
    return _form(request, pipeline, registry.family(actor=person(request), slug=wanted), None)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_policy(request: PageRequest, policy_id: int) -> HttpResponse:
    found = watching.policy(actor=person(request), policy_id=policy_id)
    return _form(request, found.pipeline, found.family, found)


def _form(request: PageRequest, pipeline: Pipeline, family: Any, policy: Policy | None) -> HttpResponse:
    known = list(registry.segments(family))
    if request.method == "POST":
        terms, parameters = TermsForm(known, request.POST), ParametersForm(pipeline.schema, request.POST)
        if all([terms.is_valid(), parameters.is_valid()]):
            return _keep(request, pipeline, family, policy, terms, parameters)
        return _form_page(request, pipeline, family, policy, terms, parameters, status=400)
    terms = TermsForm(known, initial=TermsForm.beginning(policy))
    parameters = ParametersForm.filled(pipeline.schema, policy.parameters if policy else {})
    return _form_page(request, pipeline, family, policy, terms, parameters)


def _keep(
    request: PageRequest,
    pipeline: Pipeline,
    family: Any,
    policy: Policy | None,
    terms: TermsForm,
    parameters: ParametersForm,
) -> HttpResponse:
    try:
        kept = actions.set_policy(
            actor=person(request),
            family=family,
            pipeline=pipeline,
            terms=terms.terms(parameters.values),
            policy=policy,
        )
    except PortalError as error:
        terms.refuse(error)
        return _form_page(request, pipeline, family, policy, terms, parameters, status=error.status)
    return redirect("retraining:policy", kept.pk)


def _form_page(
    request: PageRequest,
    pipeline: Pipeline,
    family: Any,
    policy: Policy | None,
    terms: TermsForm,
    parameters: ParametersForm,
    status: int = 200,
) -> HttpResponse:
    shown = {"pipeline": pipeline, "family": family, "policy": policy, "terms": terms, "parameters": parameters}
    return render(request, "retraining/policy_form.html", shown, status=status)


@require_POST
def pause(request: PageRequest, policy_id: int) -> HttpResponse:
    found = watching.policy(actor=person(request), policy_id=policy_id)
    actions.pause_policy(actor=person(request), policy=found, reason=request.POST.get("reason", ""))
    return redirect("retraining:policy", policy_id)


@require_POST
def unpause(request: PageRequest, policy_id: int) -> HttpResponse:
    found = watching.policy(actor=person(request), policy_id=policy_id)
    actions.resume_policy(actor=person(request), policy=found)
    return redirect("retraining:policy", policy_id)


@require_POST
def take(request: PageRequest, firing_id: int) -> HttpResponse:
    found = watching.firing(actor=person(request), firing_id=firing_id)
    taken = actions.take_suggestion(actor=person(request), firing=found)
    return redirect("retraining:request", taken.request_id)


@require_POST
def dismiss(request: PageRequest, firing_id: int) -> HttpResponse:
    found = watching.firing(actor=person(request), firing_id=firing_id)
    actions.dismiss_suggestion(actor=person(request), firing=found)
    messages.info(request, "The suggestion is dismissed: nothing is retrained because of it.")
    return redirect("retraining:policies")


@require_safe
def signals(request: PageRequest) -> HttpResponse:
    """Incidents, then signals, the newest first; `family`, `kind`, `alarms` and `page` stand in the address."""
    asked = {name: request.GET.get(name, "") for name in ("family", "kind", "alarms", "incident")}
    found = watching.signals(person(request))
    if asked["family"]:
        found = found.filter(family__slug=asked["family"])
    if asked["kind"]:
        found = found.filter(kind=asked["kind"])
    if asked["alarms"]:
        found = found.filter(is_alarm=True)
    if asked["incident"].isdecimal():
        found = found.filter(incident_id=int(asked["incident"][:18]))
    shown = {
        "incidents": watching.incidents(person(request)).filter(closed_at=None),
        "page": Paginator(found, SIGNALS_PER_PAGE).get_page(request.GET.get("page")),
        "asked": asked,
        "filtered": any(asked.values()),
        "kinds": SIGNAL_KINDS,
        "families": registry.families(person(request)),
    }
    return render(request, "retraining/signals.html", shown)


@require_POST
def close_incident(request: PageRequest, incident_id: int) -> HttpResponse:
    found = watching.incident(actor=person(request), incident_id=incident_id)
    actions.close_incident(actor=person(request), incident=found, note=request.POST.get("note", ""))
    messages.info(request, f"Incident #{incident_id} is closed.")
    return redirect("retraining:signals")


@require_POST
def set_aside(request: PageRequest, signal_id: int) -> HttpResponse:
    found = watching.signal(actor=person(request), signal_id=signal_id)
    actions.set_signal_aside(actor=person(request), signal=found, reason=request.POST.get("reason", ""))
    messages.info(request, f"Signal #{signal_id} no longer keeps anything from training.")
    return redirect("retraining:signals")
