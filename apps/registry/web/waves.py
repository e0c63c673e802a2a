"""Promotions: the list, one of them, and what an approver says to it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.core.charts import Part
from apps.core.errors import Invalid, PortalError
from apps.core.web import inside
from apps.registry import actions, queries
from apps.registry.forms import AdvanceForm, ApproveForm, LiveValueForm, RejectForm, UndoForm, WithdrawForm
from apps.registry.web.differences import differences
from apps.registry.web.drawing import drawn
from apps.registry.web.rollbacks import say_what_went_back
from apps.registry.web.saying import faults

if TYPE_CHECKING:
    from apps.registry.models import LiveValue, Wave

WAVES_PER_PAGE = 25


def waves(request: HttpRequest) -> HttpResponse:
    """All promotions, the newest first; `?status=` and `?family=` choose, `?mine=1` is what I can decide."""
    found = queries.waiting_for(person(request)) if request.GET.get("mine") else queries.waves(person(request))
    if status := request.GET.get("status"):
        found = found.filter(status=status)
    if family := request.GET.get("family"):
        found = found.filter(family__slug=family)
    page = Paginator(found, WAVES_PER_PAGE).get_page(request.GET.get("page"))
    waiting = set(queries.waiting_for(person(request)).values_list("pk", flat=True))
    lines = queries.outlines(page.object_list)
    shown = {"page": page, "lines": lines, "waiting": waiting, "statuses": queries.WAVE_STATUSES}
    return render(request, "registry/waves.html", shown)


def wave(request: HttpRequest, wave_id: int) -> HttpResponse:
    """Everything an approver looks at, the worst regressions first."""
    view = queries.wave_view(actor=person(request), wave_id=wave_id)
    family = view.wave.family
    shown = {
        "view": view,
        "family": family,
        "least": drawn(view.worst, family.direction),
        "rest": drawn(view.rows[len(view.worst) :], family.direction),
        "refused": drawn(view.refused, family.direction),
        "differences": differences(view.rows),
        "approvers": queries.approvers(family),
        "freeze": view.freeze,
        "parts": _parts(view.progress),
        "shared": queries.shared_names(family),
    }
    return render(request, "registry/wave.html", shown)


def _parts(progress: queries.Progress) -> list[Part]:
    """The mixed state of a wave as one bar."""
    parts = [
        Part("on the new version", progress.new, "ok"),
        Part("on what they had", progress.old, "info"),
        Part("refused", progress.refused, "idle"),
        Part("moved on since", progress.moved_on, "warn"),
    ]
    return [part for part in parts if part.count]


@require_POST
def approve(request: HttpRequest, wave_id: int) -> HttpResponse:
    return _decide(request, wave_id, ApproveForm, actions.approve, _approved)


@require_POST
def reject(request: HttpRequest, wave_id: int) -> HttpResponse:
    return _decide(
        request, wave_id, RejectForm, actions.reject, lambda wave: "Rejected; its proposer sees your reason."
    )


@require_POST
def withdraw(request: HttpRequest, wave_id: int) -> HttpResponse:
    return _decide(request, wave_id, WithdrawForm, actions.withdraw, _withdrawn)


@require_POST
def advance(request: HttpRequest, wave_id: int) -> HttpResponse:
    return _decide(request, wave_id, AdvanceForm, actions.advance, _advanced)


@require_POST
def post_live_value(request: HttpRequest, wave_id: int) -> HttpResponse:
    return _decide(request, wave_id, LiveValueForm, actions.post_live_value, _measured)


@require_POST
def undo(request: HttpRequest, wave_id: int) -> HttpResponse:
    """Takes back what it has moved and is still there; what is not, is listed."""
    return _decide(request, wave_id, UndoForm, actions.undo_wave, lambda done: say_what_went_back(request, done))


def _decide(
    request: HttpRequest,
    wave_id: int,
    shape: type[forms.Form],
    verb: "Callable[..., Any]",
    said: "Callable[[Any], str | None]",
) -> HttpResponse:
    """Whatever comes of it is said where it was decided: on the wave's own page, or on a list."""
    found = queries.wave(actor=person(request), wave_id=wave_id)
    form = shape(request.POST)
    try:
        if not form.is_valid():
            raise Invalid(faults(form))
        done = verb(actor=person(request), wave=found, **form.cleaned_data)
        if sentence := said(done):
            messages.success(request, sentence)
    except PortalError as error:
        messages.error(request, error.message)
    return redirect(inside(request, request.POST.get("next", ""), reverse("registry:wave", args=[wave_id])))


def _withdrawn(wave: "Wave") -> str:
    if not wave.stage:
        return "Withdrawn. Nothing has moved."
    return f"Stopped after stage {wave.stage} of {wave.last_stage}: what has moved stays, the rest keeps what it has."


def _advanced(wave: "Wave") -> str:
    return f"Stage {wave.stage} of {wave.last_stage} has moved: {queries.applied(wave)} of {wave.segments} segments."


def _measured(live: "LiveValue") -> str:
    """Whether the next stage has moved, and why not."""
    if live.wave.stage > live.stage:
        return f"Stored. {_advanced(live.wave)}"
    why_not = queries.objection(live.wave, live)
    return f"Stored. {why_not or 'The next stage moves as soon as nothing is frozen.'}"


def _approved(wave: "Wave") -> str:
    """What has moved, with the way to the fleet; or that another approval is needed."""
    if wave.status == "running":
        page = reverse("registry:wave", args=[wave.pk])
        return format_html('Approved. {} The next one is moved on <a href="{}">its page</a>.', _advanced(wave), page)
    if wave.status != "applied":
        return "Your approval counts. Nothing has moved yet: another approval is needed."
    moved = queries.applied(wave)
    champions = wave.alias if moved == 1 else f"{wave.alias}s"
    fleet = reverse("dashboard:family", args=[wave.family.slug])
    return format_html('Approved: {} {} moved. <a href="{}">Open the fleet</a>', moved, champions, fleet)
