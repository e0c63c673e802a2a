"""The radar: now, in an edition, for a team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.catalog import actions, queries, radar
from apps.catalog.filters import RadarFilter
from apps.catalog.forms import EditionForm
from apps.core.errors import PortalError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

CORNERS = (("Data", 8, 30, "start"), ("Build", 992, 30, "end"), ("Ship", 992, 985, "end"))
LAST_CORNER = ("Run and govern", 8, 985, "start")


def show(request: HttpRequest) -> HttpResponse:
    wanted = RadarFilter(request.GET, queries.positions(actor=person(request)), request=request)
    name = request.GET.get("edition", "")
    shown = _edition(request, name) if name else _now(request, wanted)
    shown |= {
        "filter": wanted,
        "editions": queries.editions(actor=person(request)).defer("blips"),
        "size": radar.SIZE,
        "radii": [*reversed(radar.EDGES[1:])],
        "ring_labels": radar.ring_labels(),
        "corners": [*CORNERS, LAST_CORNER],
    }
    return render(request, "catalog/radar.html", shown)


def _now(request: HttpRequest, wanted: RadarFilter) -> dict[str, Any]:
    found = wanted.qs
    last = queries.editions(actor=person(request)).defer("blips").first()
    since = wanted.moves_after or (last.published_on if last else None)
    blips = queries.blips(found, moves_after=since)
    more = found.exclude(ring="retired").count() - len(blips)
    return {"drawing": radar.draw(blips), "edition": None, "compared": None, "more": more, "since": since}


def _edition(request: HttpRequest, name: str) -> dict[str, Any]:
    edition = queries.edition(actor=person(request), name=name)
    before = queries.previous(person(request), edition)
    blips = queries.blips_of(edition, before)
    here = {blip.slug for blip in blips}
    gone = [blip for blip in queries.blips_of(before) if blip.slug not in here] if before else []
    return {"drawing": radar.draw(blips), "edition": edition, "compared": before, "gone": gone, "more": 0}


@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """Freezes the radar as it is now."""
    form = EditionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Name the edition with letters, digits and hyphens, for example 2026-11.")
        return redirect("catalog:radar")
    try:
        edition = actions.publish_edition(actor=person(request), name=form.cleaned_data["name"])
        messages.success(request, f"Published: the radar {edition} stays as it is.")
    except PortalError as error:
        messages.error(request, error.message)
    return redirect("catalog:radar")
