"""A proposal: what it would be, and sending it."""

from __future__ import annotations

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
from apps.registry.forms import ProposalForm
from apps.registry.models.family import CHAMPION
from apps.registry.web.differences import differences
from apps.registry.web.drawing import drawn
from apps.registry.web.saying import tell

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily, ModelVersion, Wave
    from apps.registry.queries import FleetRow


def propose(request: HttpRequest) -> HttpResponse:
    """GET `?family=…&segment=…&segment=…` (and `alias`): what a proposal would be. POST with a reason sends it."""
    family = queries.family(actor=person(request), slug=request.GET.get("family", ""))
    require(person(request), "registry.propose", family)
    alias = request.GET.get("alias") or CHAMPION
    versions, left_out = _candidates(request, family, alias)
    form = ProposalForm(request.POST or None, initial={"key": uuid4().hex})
    if request.method == "POST" and form.is_valid() and (sent := _send(request, family, versions, alias, form)):
        return redirect("registry:wave", sent)
    dry = queries.wave_dry_run(family, versions, alias)
    shown = {
        "family": family,
        "alias": alias,
        "left_out": left_out,
        "shared": queries.shared_names(family),
        "open_wave": queries.open_wave(family),
        "freeze": queries.freeze_on(family),
        "form": form,
        "dry": dry,
        "passing": drawn(dry.rows, family.direction),
        "differences": differences(dry.rows),
        "refused": drawn(dry.refused, family.direction),
        "approvals": family.approvals_for(alias),
        "approvers": queries.approvers(family),
    }
    return render(request, "registry/propose.html", shown, status=400 if form.errors else 200)


def _candidates(request: HttpRequest, family: ModelFamily, alias: str) -> tuple[list[ModelVersion], list[FleetRow]]:
    """The versions named by id and the newest candidates of the named segments; and the segments that have none."""
    ids = [int(one) for one in request.GET.getlist("version") if one.isdecimal()]
    wanted = request.GET.getlist("segment")
    rows = queries.fleet(family, alias, segments=wanted) if wanted else []
    ids += [row.candidate.id for row in rows if row.candidate]
    return queries.versions_by_id(actor=person(request), ids=ids), [row for row in rows if not row.candidate]


def _send(
    request: HttpRequest, family: ModelFamily, versions: Sequence[ModelVersion], alias: str, form: ProposalForm
) -> int | None:
    try:
        sent = actions.propose(
            actor=person(request), family=family, versions=versions, alias=alias, **form.cleaned_data
        )
    except PortalError as error:
        tell(form, error)
        return None
    messages.success(request, _sent(sent))
    return sent.pk


def _sent(wave: Wave) -> str:
    if wave.approval:
        return "Proposed: it waits for an approval."
    return f"Stage 1 of {wave.last_stage} has moved." if wave.status == "running" else "Promoted."
