"""One segment of a family: what serves, what could, and how it came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.signed_in import person
from apps.core.web import PageRequest
from apps.dashboard import queries
from apps.dashboard.web.reading import family_of, frame

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
def segment(request: PageRequest, slug: str, segment: str) -> HttpResponse:
    family = family_of(request, slug)
    page = queries.segment_page(actor=person(request), family=family, slug=segment)
    shown = {
        "page": page,
        "row": page.row,
        **frame(person(request), family, "propose", "retrain", "roll_back"),
    }
    return render(request, "dashboard/segment_detail.html", shown)
