"""Many versions of a family: the list of all of them, and two to six beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.signed_in import person
from apps.core.web import PageRequest
from apps.dashboard import queries
from apps.dashboard.queries.naming import MOST
from apps.dashboard.version_table import version_table
from apps.dashboard.web.reading import family_of, head
from apps.registry import queries as registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpResponse

    from apps.registry.models import ModelFamily, ModelVersion


@require_safe
def versions(request: PageRequest, slug: str) -> HttpResponse:
    """Paged over all segments; `?q=`, `?segment=`, `?pipeline=`, `?kind=` and `?alias=` narrow it, `?sort=` orders."""
    family, wish = family_of(request, slug), queries.asked(request.GET)
    number = request.GET.get("page")
    page = queries.versions_page(family=family, wish=wish, number=number)
    lines = version_table(page.lines, family=family, shared=registry.shared_names(family))
    shown = {"tab": "versions", "wish": wish, "most": MOST, "page": page, "lines": lines}
    return render(request, "dashboard/family_versions.html", shown | head(person(request), family))


@require_safe
def course(request: PageRequest, slug: str) -> HttpResponse:
    """How versions did over time, of all or of `?segment=`: a page, or the piece below the list once that is seen."""
    family, wish = family_of(request, slug), queries.asked(request.GET)
    shown = {"course": queries.course(family=family, segment=wish.segment), "wish": wish, "family": family}
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "dashboard/_course.html", shown)
    return render(request, "dashboard/course.html", shown | {"tab": "versions", **head(person(request), family)})


@require_safe
def compare(request: PageRequest, slug: str) -> HttpResponse:
    """`?versions=12,15` (ids, `atlanta/3` or `atlanta@champion`; may come several times), the first is the reference.

    `?segment=` leads to its champion against its newest version, `?add=` to the same address with one more; without
    any version the page lists who could be compared.
    """
    family = family_of(request, slug)
    if segment := request.GET.get("segment", ""):
        return _to(family, queries.champion_and_newest(actor=person(request), family=family, segment=segment))
    chosen = _chosen(request, family)
    if not chosen:
        return _pairs(request, family)
    if len(chosen) == 1 or "add" in request.GET:
        whole = queries.with_a_rival(actor=person(request), version=chosen[0]) if len(chosen) == 1 else chosen
        if len(whole) > 1:
            return _to(family, whole, request)
    return _side_by_side(request, family, chosen)


def _side_by_side(request: PageRequest, family: ModelFamily, chosen: Sequence[ModelVersion]) -> HttpResponse:
    only = "only" in request.GET
    month = request.GET.get("month", "")
    page = queries.comparison(actor=person(request), versions=chosen, month=month, only_differences=only)
    shown = {"tab": "compare", "page": page, "only": only, "most": MOST, **head(person(request), family)}
    return render(request, "dashboard/family_compare.html", shown)


def _pairs(request: PageRequest, family: ModelFamily) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "")[:100]
    page, lines = queries.pairs_page(family=family, text=text, number=request.GET.get("page"))
    shown = {"tab": "compare", "page": page, "lines": lines, "text": text, **head(person(request), family)}
    return render(request, "dashboard/family_pairs.html", shown)


def _chosen(request: PageRequest, family: ModelFamily) -> list[ModelVersion]:
    asked = [*request.GET.getlist("versions"), request.GET.get("add", "")]
    names = [name.replace("\0", "") for text in asked for name in text.split(",")]
    return queries.named_versions(actor=person(request), family=family, names=names)


def _to(family: ModelFamily, versions: Sequence[ModelVersion], request: PageRequest | None = None) -> HttpResponse:
    """The address that can be passed on."""
    kept = {name: request.GET[name] for name in ("month", "only") if name in request.GET} if request else {}
    named = {"versions": ",".join(str(version.pk) for version in versions), **kept}
    return redirect(f"{reverse('dashboard:compare', args=[family.slug])}?{urlencode(named, safe=',')}")
