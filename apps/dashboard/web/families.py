"""The models: all families, and one family's fleet with what can be done about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.signed_in import person
from apps.core.errors import Conflict, Invalid
from apps.core.web import PageRequest
from apps.dashboard import queries
from apps.dashboard.fleet import MAP, MEASURES, Row, State, Wanted, heat, wanted
from apps.dashboard.spreadsheet import as_csv
from apps.dashboard.tables import fleet_map, fleet_table
from apps.dashboard.web.reading import family_of, head
from apps.registry import actions
from apps.registry import queries as registry
from apps.retraining import queries as retraining

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.registry.models import ModelFamily

RECENT = 50
NEWEST_WAVES = 8
PAGE = "dashboard/family_detail.html"


@require_safe
def families(request: PageRequest) -> HttpResponse:
    return render(request, "dashboard/family_list.html", {"lines": queries.family_lines(person(request))})


@require_safe
def family(request: PageRequest, slug: str) -> HttpResponse:
    """`?tab=` fleet (the default), runs, activity or settings."""
    found = family_of(request, slug)
    tab = request.GET.get("tab", "fleet")
    if tab not in TABS:
        raise Invalid(f"There is no tab {tab[:40]!r}; choose from {', '.join(TABS)}.", field="tab")
    return TABS[tab](request, found)


def _fleet(request: PageRequest, family: ModelFamily) -> HttpResponse:
    """The page; for htmx its live line, or all that changes when something was evaluated."""
    wish = wanted(request.GET)
    page = queries.fleet_page(actor=person(request), family=family, wish=wish)
    shown = {"tab": "fleet", "page": page, "wish": wish, **head(person(request), family, line=page.line)}
    has_boxes = shown["may"]["propose"] or shown["may"]["retrain"]
    shown |= _map(page, wish, has_boxes) if wish.view == MAP else _table(page, wish, has_boxes)
    if not request.htmx or request.htmx.history_restore_request:
        return render(request, PAGE, shown)
    part = "live" if request.htmx.target == "live" else "fleet"
    response = render(request, f"{PAGE}#{part}", shown)
    if part == "live" and not page.is_live:
        response["HX-Trigger"] = "fleet-changed"
    return response


def _map(page: queries.FleetPage, wish: Wanted, has_boxes: bool) -> dict[str, object]:
    drawn = heat(page.rows, wish.measure, by_region=wish.by_region, ticked=page.ticked, unit=page.family.unit)
    regions = fleet_map(drawn, family=page.family, has_boxes=has_boxes)
    return {"measures": MEASURES.values(), "heat": drawn, "regions": regions}


def _table(page: queries.FleetPage, wish: Wanted, has_boxes: bool) -> dict[str, object]:
    ticked = page.ticked if has_boxes else None
    return {"regions": fleet_table(page.rows, family=page.family, ticked=ticked, by_region=wish.by_region)}


def _runs(request: PageRequest, family: ModelFamily) -> HttpResponse:
    asked = list(retraining.requests(person(request)).filter(family=family)[:RECENT])
    progress = retraining.progress_of([one.pk for one in asked])
    lines = [(one, progress.get(one.pk)) for one in asked]
    shown = {"tab": "runs", "lines": lines, **head(person(request), family)}
    return render(request, "dashboard/family_runs.html", shown)


def _activity(request: PageRequest, family: ModelFamily) -> HttpResponse:
    """The newest promotions, and below all that happened."""
    shown = {
        "tab": "activity",
        "waves": registry.waves(person(request)).filter(family=family)[:NEWEST_WAVES],
        "happenings": queries.happenings(family),
        **head(person(request), family),
    }
    return render(request, "dashboard/family_activity.html", shown)


def _settings(request: PageRequest, family: ModelFamily) -> HttpResponse:
    """What everybody may read of how the family is measured and promoted; hints are for who can change the tier."""
    shown = {
        "tab": "settings",
        "hints": registry.approval_hints(family),
        "approvers": registry.approvers(family),
        "gates": registry.gate_lines(family),
        "uses": queries.tools_of(actor=person(request), family=family),
        **head(person(request), family),
    }
    return render(request, "dashboard/family_settings.html", shown)


TABS: dict[str, Callable[[PageRequest, ModelFamily], HttpResponse]] = {
    "fleet": _fleet,
    "runs": _runs,
    "activity": _activity,
    "settings": _settings,
}


@require_safe
def fleet_csv(request: PageRequest, slug: str) -> HttpResponse:
    """What the page shows with the same filters, as a file."""
    found = family_of(request, slug)
    page = queries.fleet_page(actor=person(request), family=found, wish=wanted(request.GET))
    name = f"{found.slug}-fleet.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(as_csv(page.rows), content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
def promote(request: PageRequest, slug: str) -> HttpResponse:
    """From ticked rows, or with `?all=passes` all that pass, to the page that asks for a reason.

    Those that have no candidate go with them: that page says that they are left out.
    """
    found = family_of(request, slug)
    rows = _rows(request, found)
    picked = [row for row in rows if row.state is State.PASSES] if "all" in request.GET else _ticked(request, rows)
    candidates = [row.cell.candidate.id for row in picked if row.cell.candidate]
    if not candidates:
        raise Conflict("None of these segments has a candidate to promote. Go back and tick others, or retrain them.")
    without = [row.cell.segment for row in picked if not row.cell.candidate]
    chosen = {"family": slug, "version": candidates, "segment": without}
    return redirect(f"{reverse('registry:propose')}?{urlencode(chosen, doseq=True)}")


@require_safe
def retrain(request: PageRequest, slug: str) -> HttpResponse:
    """From ticked rows to the form of the pipeline that trained most of their champions, or to the choice of one."""
    found = family_of(request, slug)
    ticked = _ticked(request, _rows(request, found))
    chosen = {"family": slug, "segments": ",".join(row.cell.segment for row in ticked)}
    usual = Counter(row.cell.champion.pipeline for row in ticked if row.cell.champion).most_common(1)
    trains = retraining.pipelines_of(person(request), found).filter(slug__in=[name for name, _ in usual]).first()
    form = reverse("retraining:new", args=[trains.slug]) if trains else reverse("retraining:choose")
    return redirect(f"{form}?{urlencode(chosen)}")


@require_POST
def evaluate(request: PageRequest, slug: str) -> HttpResponse:
    """Has everything evaluated on the newest month that is not: candidates and champions."""
    found = family_of(request, slug)
    window = registry.newest_window(found)
    wanting = queries.not_evaluated(actor=person(request), family=found)
    if window is None or not wanting:
        raise Conflict("There is nothing to evaluate: everything has been, or no month has all its labels yet.")
    asked = actions.request_evaluations(
        actor=person(request),
        family=found,
        candidates=registry.versions_by_id(actor=person(request), ids=wanting),
        window_first=window.first,
        window_last=window.last,
    )
    messages.success(request, f"{len(asked)} evaluations on {window.last:%B %Y} asked for; they appear as they end.")
    return redirect("dashboard:family", slug)


def _rows(request: PageRequest, family: ModelFamily) -> list[Row]:
    """All rows, or those of `?request=`."""
    wish = wanted({"request": request.GET.get("request", "")})
    return list(queries.fleet_page(actor=person(request), family=family, wish=wish).rows)


def _ticked(request: PageRequest, rows: list[Row]) -> list[Row]:
    """The rows of `?segment=a&segment=b`. Raises Invalid when there are none, or one that the family does not have."""
    slugs = set(request.GET.getlist("segment"))
    if unknown := slugs - {row.cell.segment for row in rows}:
        raise Invalid(f"There is no segment {', '.join(sorted(unknown)[:5])} here.", field="segment")
    if not slugs:
        raise Invalid("Tick at least one segment first.", field="segment")
    return [row for row in rows if row.cell.segment in slugs]
