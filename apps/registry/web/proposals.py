"""A proposal: what it would be, and sending it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import require
from apps.registry import actions, queries
from apps.registry.forms import ReasonForm
from apps.registry.web.differences import differences
from apps.registry.web.drawing import drawn
from apps.registry.web.saying import tell

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily, ModelVersion


def propose(request: HttpRequest) -> HttpResponse:
    """GET `?family=…&segment=…&segment=…`: what a proposal would be. POST with a reason: one wave of it."""
    family = queries.family(actor=person(request), slug=request.GET.get("family", ""))
    require(person(request), "registry.propose", family)
    versions, left_out = _candidates(request, family)
    form = ReasonForm(request.POST or None, initial={"key": uuid4().hex})
    if request.method == "POST" and form.is_valid() and (sent := _send(request, family, versions, form)):
        return redirect("registry:wave", sent)
    rows = drawn(queries.dry_run(family, versions), family.direction)
    passing = [one for one in rows if not one.row.refusal]
    shown = {
        "family": family,
        "left_out": left_out,
        "shared": queries.shared_names(family),
        "open_wave": queries.open_wave(family),
        "freeze": queries.freeze_on(family),
        "form": form,
        "passing": passing,
        "differences": differences([one.row for one in passing]),
        "refused": [one for one in rows if one.row.refusal],
        "approvers": queries.approvers(family),
    }
    return render(request, "registry/propose.html", shown, status=400 if form.errors else 200)


def _candidates(request: HttpRequest, family: "ModelFamily") -> "tuple[list[ModelVersion], list[queries.FleetRow]]":
    """The versions named by id and the newest candidates of the named segments; and the segments that have none."""
    ids = [int(one) for one in request.GET.getlist("version") if one.isdecimal()]
    wanted = request.GET.getlist("segment")
    rows = queries.fleet(family, segments=wanted) if wanted else []
    ids += [row.candidate.id for row in rows if row.candidate]
    return queries.versions_by_id(actor=person(request), ids=ids), [row for row in rows if not row.candidate]


def _send(
    request: HttpRequest, family: "ModelFamily", versions: "Sequence[ModelVersion]", form: ReasonForm
) -> int | None:
    try:
        sent = actions.propose(actor=person(request), family=family, versions=versions, **form.cleaned_data)
    except PortalError as error:
        tell(form, error)
        return None
    messages.success(request, "Proposed: it waits for an approval." if sent.approval else "Promoted.")
    return sent.pk
