"""The way back: which champions go back to which, and doing it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import require
from apps.registry import actions, queries
from apps.registry.forms import ReasonForm
from apps.registry.web.saying import tell

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily


def roll_back(request: HttpRequest) -> HttpResponse:
    """GET `?family=…&segment=…`: which champions would go back to which. POST with a reason does it."""
    family = queries.family(actor=person(request), slug=request.GET.get("family", ""))
    require(person(request), "registry.roll_back", family)
    steps = queries.ways_back(family, request.GET.getlist("segment"))
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _go_back(request, family, steps, form):
        return redirect("dashboard:family", family.slug)
    shown = {
        "family": family,
        "form": form,
        "steps": steps,
        "possible": any(step.back_to for step in steps),
        "shared": queries.shared_names(family),
    }
    return render(request, "registry/roll_back.html", shown, status=400 if form.errors else 200)


def _go_back(request: HttpRequest, family: "ModelFamily", steps: "Sequence[queries.WayBack]", form: ReasonForm) -> bool:
    versions = [step.version for step in steps if step.back_to]
    try:
        done = actions.rollback(
            actor=person(request), family=family, versions=versions, reason=form.cleaned_data["reason"]
        )
    except PortalError as error:
        tell(form, error)
        return False
    messages.success(request, f"Rolled back: {len(done.moves)} of {len(versions)}.")
    return True
