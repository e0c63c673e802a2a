"""Pages of promotion: propose, decide, roll back. What a family and its versions look like is in dashboard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.core.charts import Whisker, common_reach, whisker
from apps.core.errors import Invalid, PortalError
from apps.core.figures import Delta, delta
from apps.core.permissions import require
from apps.registry import actions, queries
from apps.registry.forms import ApproveForm, ReasonForm, RejectForm, WithdrawForm
from apps.registry.queries import PromotionRow

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily, ModelVersion, Wave

WAVES_PER_PAGE = 25


@dataclass(frozen=True)
class Shown:
    """A row with its interval drawn; all rows of a page share one scale."""

    row: PromotionRow
    chart: Whisker | None
    against_baseline: Delta | None  # only of a first champion, which has no other to be compared with


def waves(request: HttpRequest) -> HttpResponse:
    """All promotions, the newest first; `?status=` and `?family=` choose, `?mine=1` is what I can decide."""
    found = queries.waiting_for(person(request)) if request.GET.get("mine") else queries.waves(person(request))
    if status := request.GET.get("status"):
        found = found.filter(status=status)
    if family := request.GET.get("family"):
        found = found.filter(family__slug=family)
    page = Paginator(found, WAVES_PER_PAGE).get_page(request.GET.get("page"))
    shown = {"page": page, "waiting": queries.waiting_for(person(request)).count(), "statuses": queries.WAVE_STATUSES}
    return render(request, "registry/waves.html", shown)


def wave(request: HttpRequest, wave_id: int) -> HttpResponse:
    """Everything an approver looks at, the worst regressions first."""
    view = queries.wave_view(actor=person(request), wave_id=wave_id)
    family = view.wave.family
    shown = {
        "view": view,
        "family": family,
        "rows": _drawn(view.rows, family.direction),
        "refused": _drawn(view.refused, family.direction),
        "approvers": queries.approvers(family),
        "shared": queries.shared_names(family),
    }
    return render(request, "registry/wave.html", shown)


def propose(request: HttpRequest) -> HttpResponse:
    """GET `?family=…&segment=…&segment=…`: what a proposal would be. POST with a reason: one wave of it."""
    family = queries.family(actor=person(request), slug=request.GET.get("family", ""))
    require(person(request), "registry.propose", family)
    versions, left_out = _candidates(request, family)
    form = ReasonForm(request.POST or None, initial={"key": uuid4().hex})
    if request.method == "POST" and form.is_valid() and (sent := _send(request, family, versions, form)):
        return redirect("registry:wave", sent)
    rows = _drawn(queries.dry_run(family, versions), family.direction)
    shown = {
        "family": family,
        "left_out": left_out,
        "shared": queries.shared_names(family),
        "open_wave": queries.open_wave(family),
        "form": form,
        "passing": [one for one in rows if not one.row.refusal],
        "refused": [one for one in rows if one.row.refusal],
        "approvers": queries.approvers(family),
    }
    return render(request, "registry/propose.html", shown, status=400 if form.errors else 200)


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
    return _decide(request, wave_id, WithdrawForm, actions.withdraw, lambda _: "Withdrawn. Nothing has moved.")


def _decide(
    request: HttpRequest,
    wave_id: int,
    shape: type[forms.Form],
    verb: "Callable[..., Wave]",
    said: "Callable[[Wave], str]",
) -> HttpResponse:
    """Whatever comes of it is said on the wave's own page."""
    found = queries.wave(actor=person(request), wave_id=wave_id)
    form = shape(request.POST)
    try:
        if not form.is_valid():
            raise Invalid(" ".join(str(error) for errors in form.errors.values() for error in errors))
        decided = verb(actor=person(request), wave=found, **form.cleaned_data)
        messages.success(request, said(decided))
    except PortalError as error:
        messages.error(request, error.message)
    return redirect("registry:wave", wave_id)


def _approved(wave: "Wave") -> str:
    """What has moved, with the way to the fleet; or that another approval is needed."""
    if wave.status != "applied":
        return "Your approval counts. Nothing has moved yet: another approval is needed."
    moved = queries.applied(wave)
    champions = wave.alias if moved == 1 else f"{wave.alias}s"
    fleet = reverse("dashboard:family", args=[wave.family.slug])
    return format_html('Approved: {} {} moved. <a href="{}">Open the fleet</a>', moved, champions, fleet)


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
        form.add_error("reason" if error.field == "reason" else None, error.message)
        return None
    messages.success(request, "Proposed: it waits for an approval." if sent.approval else "Promoted.")
    return sent.pk


def _go_back(request: HttpRequest, family: "ModelFamily", steps: "Sequence[queries.WayBack]", form: ReasonForm) -> bool:
    versions = [step.version for step in steps if step.back_to]
    try:
        done = actions.rollback(
            actor=person(request), family=family, versions=versions, reason=form.cleaned_data["reason"]
        )
    except PortalError as error:
        form.add_error("reason" if error.field == "reason" else None, error.message)
        return False
    messages.success(request, f"Rolled back: {len(done.moves)} of {len(versions)}.")
    return True


def _drawn(rows: Sequence[PromotionRow], better: str) -> list[Shown]:
    """All on one scale. `better` is the family's direction."""
    scores = [row.evaluation for row in rows if row.evaluation]
    reach = common_reach((score.lower, score.difference, score.upper) for score in scores)
    return [Shown(row, _interval(row, reach), _against_baseline(row, better)) for row in rows]


def _against_baseline(row: PromotionRow, better: str) -> Delta | None:
    score = row.evaluation
    if row.champion or score is None or score.candidate is None or score.baseline is None:
        return None
    return delta(score.candidate - score.baseline, better)


def _interval(row: PromotionRow, reach: float) -> Whisker | None:
    score = row.evaluation
    if score is None or score.lower is None or score.upper is None or score.difference is None:
        return None
    return whisker(score.lower, score.upper, score.difference, reach=reach)
