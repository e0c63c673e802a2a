"""Registered models that stand alone, as plain MLflow clients make them; a family's have pages of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.accounts.signed_in import person
from apps.core.web import PageRequest
from apps.registry import queries as registry

if TYPE_CHECKING:
    from django.http import HttpResponse

PER_PAGE = 50


@require_safe
def models(request: PageRequest) -> HttpResponse:
    asked = request.GET.get("q", "").replace("\0", "")
    found = registry.models_alone(person(request)).filter(name__icontains=asked)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "dashboard/models.html", {"page": page, "asked": asked})


@require_safe
def model(request: PageRequest, name: str) -> HttpResponse:
    """Its versions, the newest first; a family's model has the page of its segment."""
    shown = registry.model(actor=person(request), name=name)
    if shown.family and shown.segment:
        return redirect("dashboard:segment", shown.family.slug, shown.segment.slug)
    page = Paginator(registry.versions(shown), PER_PAGE).get_page(request.GET.get("page"))
    loads = f'mlflow.pyfunc.load_model("models:/{name}/latest")'
    return render(request, "dashboard/model.html", {"model": shown, "page": page, "loads": loads})
