"""The way back: which versions serve again, and doing it; for one city or for all, by one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.signed_in import person
from apps.core.errors import Invalid, Missing, PortalError
from apps.core.permissions import allowed, require
from apps.core.web import inside
from apps.registry import actions, queries
from apps.registry.forms import NoteForm, ReasonForm
from apps.registry.models.family import CHAMPION
from apps.registry.web.saying import faults, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest, HttpResponse

    from apps.accounts.models import User
    from apps.registry.actions import RollbackDone
    from apps.registry.models import ModelFamily, ModelVersion, Rollback, Wave

REFUSALS_SAID = 10
MOST_DIGITS = 18  # of a number that the database can hold


@dataclass(frozen=True)
class Wish:
    """Which alias goes back: to exactly these versions; or all that a promotion moved; or each of these segments."""

    alias: str
    to: Sequence[ModelVersion]
    segments: Sequence[str]
    wave: Wave | None

    @property
    def is_empty(self) -> bool:
        return not (self.to or self.segments or self.wave)

    def steps(self, family: ModelFamily) -> list[queries.WayBack]:
        if self.to:
            return queries.ways_to(self.to, self.alias)
        if self.wave:
            return queries.ways_back_from_wave(self.wave)
        return queries.ways_back(family, self.segments, self.alias)


def roll_back(request: HttpRequest) -> HttpResponse:
    """GET `?family=…` with `segment`s, `to` a version or `wave`: what would go back. POST with a reason does it.

    Without any of them it is the newest promotion, named in the address: what is sent is what was looked at.
    """
    family = queries.family(actor=person(request), slug=request.GET.get("family", ""))
    require(person(request), "registry.roll_back", family)
    wish = _wish(request, family)
    if wish.is_empty and (newest := queries.newest_moved(family, wish.alias)):
        return redirect(f"{request.get_full_path()}&wave={newest.pk}")
    steps = sorted(wish.steps(family), key=lambda step: (step.back_to is None, step.name))
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _go_back(request, family, wish, steps, form):
        return redirect(_seen_next(family, steps))
    shown = {
        "family": family,
        "form": form,
        "steps": steps,
        "alias": wish.alias,
        "wave": wish.wave,
        "possible": sum(step.back_to is not None for step in steps),
        "shared": queries.shared_names(family),
    }
    return render(request, "registry/roll_back.html", shown, status=400 if form.errors else 200)


def rollback(request: HttpRequest, rollback_id: int) -> HttpResponse:
    """What somebody took back and why; POST says that somebody else has looked at it."""
    found = queries.rollback(actor=person(request), rollback_id=rollback_id)
    if request.method == "POST":
        _review(request, found)
        return redirect(inside(request, request.POST.get("next", ""), request.path))
    shown = {
        "rollback": found,
        "family": found.family,
        "moves": found.moves.select_related("model__segment", "before", "after").order_by("model__segment__name"),
        "may_review": found.reviewed_at is None and allowed(person(request), "registry.review_rollback", found),
    }
    return render(request, "registry/rollback.html", shown)


def _review(request: HttpRequest, rollback: Rollback) -> None:
    form = NoteForm(request.POST)
    try:
        if not form.is_valid():
            raise Invalid(faults(form))
        actions.review_rollback(actor=person(request), rollback=rollback, note=form.cleaned_data["note"])
        messages.success(request, "Noted: you have looked at it.")
    except PortalError as error:
        messages.error(request, error.message)


def _wish(request: HttpRequest, family: ModelFamily) -> Wish:
    ids = [int(one) for one in request.GET.getlist("to") if one.isascii() and one.isdigit()]
    to = queries.versions_by_id(actor=person(request), ids=ids)
    wave = _wave(request, family)
    alias = wave.alias if wave else request.GET.get("alias") or CHAMPION
    return Wish(alias, to, request.GET.getlist("segment"), wave)


def _wave(request: HttpRequest, family: ModelFamily) -> Wave | None:
    """The promotion that the address names. Raises Missing for one of another family."""
    number = request.GET.get("wave", "")
    if not number:
        return None
    if not number.isdecimal():
        raise Missing("There is no such promotion here.")
    wave = queries.wave(actor=person(request), wave_id=int(number[:MOST_DIGITS]))
    if wave.family_id != family.pk:
        raise Missing(f"{wave} is none of {family}.")
    return wave


def _go_back(
    request: HttpRequest, family: ModelFamily, wish: Wish, steps: Sequence[queries.WayBack], form: ReasonForm
) -> bool:
    try:
        done = _done(person(request), family, wish, steps, form.cleaned_data["reason"])
    except PortalError as error:
        tell(form, error)
        return False
    say_what_went_back(request, done)
    return True


def _done(actor: User, family: ModelFamily, wish: Wish, steps: Sequence[queries.WayBack], reason: str) -> RollbackDone:
    if wish.wave:
        return actions.undo_wave(actor=actor, wave=wish.wave, reason=reason)
    versions = list(wish.to) or [step.version for step in steps if step.back_to]
    verb = actions.restore if wish.to else actions.rollback
    return verb(actor=actor, family=family, versions=versions, reason=reason, alias=wish.alias)


def say_what_went_back(request: HttpRequest, done: RollbackDone) -> None:
    """And what did not, each with its reason."""
    whole = len(done.moves) + len(done.refused)
    messages.success(request, f"Rolled back: {len(done.moves)} of {whole}. Somebody else looks at it afterwards.")
    for sentence in _some(done.refused):
        messages.warning(request, sentence)


def _some(refused: Mapping[str, str]) -> list[str]:
    said = list(refused.values())[:REFUSALS_SAID]
    more = len(refused) - len(said)
    return [*said, f"{more} more did not go back."] if more else said


def _seen_next(family: ModelFamily, steps: Sequence[queries.WayBack]) -> str:
    """The city's own page where it was one, else the fleet."""
    if len(steps) != 1:
        return reverse("dashboard:family", args=[family.slug])
    return reverse("dashboard:segment", args=[family.slug, steps[0].version.model.its_segment.slug])
