"""One segment of a family: what serves, what could, and how it came to be."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.signed_in import person
from apps.core.errors import Invalid
from apps.core.web import PageRequest
from apps.dashboard import queries
from apps.dashboard.web.reading import family_of, frame

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
def segment(request: PageRequest, slug: str, segment: str) -> HttpResponse:
    """`?alias=` whose history is told, `?as_of=` a day to look back to."""
    family = family_of(request, slug)
    alias = request.GET.get("alias") or queries.CHAMPION
    day = _day(request.GET.get("as_of", ""))
    page = queries.segment_page(actor=person(request), family=family, slug=segment, alias=alias, day=day)
    shown = {
        "page": page,
        "row": page.row,
        **frame(person(request), family),
    }
    return render(request, "dashboard/segment_detail.html", shown)


def _day(text: str) -> date | None:
    """Raises Invalid for what is no day."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("A day is written like 2013-07-03.", field="as_of") from error
