"""One version: what is known of it, and what may be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.signed_in import person
from apps.core.web import PageRequest
from apps.dashboard import queries
from apps.dashboard.web.reading import family_of, frame

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
def version(request: PageRequest, slug: str, segment: str, number: int) -> HttpResponse:
    """`?file=` one of its files to look into."""
    family = family_of(request, slug)
    shown_file = request.GET.get("file", "")
    page = queries.version_page(actor=person(request), family=family, slug=segment, number=number, shown=shown_file)
    address = request.build_absolute_uri(reverse("version-detail", args=[page.version.pk]))
    curl = f'curl -H "Authorization: Bearer $PORTAL_TOKEN" {address}'
    shown = {
        "page": page,
        "version": page.version,
        "curl": curl,
        **frame(person(request), family),
    }
    return render(request, "dashboard/version_detail.html", shown)
