"""What is hit if a vendor or an ecosystem goes."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.signed_in import person
from apps.core.web import PageRequest
from apps.dashboard import queries

LONGEST_NAME = 64


@require_safe
def ecosystems(request: PageRequest) -> HttpResponse:
    """All of them; with `?name=AWS` what hangs on that one."""
    name = request.GET.get("name", "").replace("\0", "")[:LONGEST_NAME]
    radii = queries.radii(actor=person(request))
    shown = {"radii": radii, "name": name, "radius": queries.radius(actor=person(request), name=name) if name else None}
    return render(request, "dashboard/ecosystems.html", shown)
