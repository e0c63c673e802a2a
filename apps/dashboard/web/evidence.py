"""Pages of evidence: an experiment's runs, and one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.signed_in import person
from apps.core.web import PageRequest
from apps.dashboard import queries
from apps.tracking import queries as tracking

if TYPE_CHECKING:
    from django.http import HttpResponse

PER_PAGE = 50


@require_safe
def experiments(request: PageRequest) -> HttpResponse:
    found = tracking.experiments(person(request))
    asked = request.GET.get("q", "").replace("\0", "")
    page = Paginator(found.filter(name__icontains=asked), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "dashboard/experiments.html", {"page": page, "asked": asked})


@require_safe
def experiment(request: PageRequest, pk: int) -> HttpResponse:
    """Its runs, the newest first, with the metrics that most of them have."""
    shown = queries.experiment(actor=person(request), pk=pk)
    found = tracking.runs(person(request)).filter(experiment=shown)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    columns, lines = queries.experiment_lines(actor=person(request), runs=list(page.object_list))
    context = {"experiment": shown, "page": page, "columns": columns, "lines": lines}
    return render(request, "dashboard/experiment.html", context)


@require_safe
def run(request: PageRequest, run_id: str) -> HttpResponse:
    """One run; a fragment brings its numbers and curves while it is open."""
    page = queries.run_page(actor=person(request), run_id=run_id, shown=request.GET.get("file", ""))
    template = "dashboard/run.html#numbers" if request.htmx else "dashboard/run.html"
    response = render(request, template, {"page": page, "run": page.run})
    if request.htmx and not page.run.is_open:  # its files and versions are there now
        response["HX-Refresh"] = "true"
    return response
