"""Pages of lineage: what other products told of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.signed_in import person
from apps.lineage import queries

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PER_PAGE = 50
CHOICES = {"": "All", "yes": "About a run of ours", "no": "Matched to none"}


@require_safe
def told_runs(request: HttpRequest) -> HttpResponse:
    """`?matched=yes` or `no`, `?q=` a part of the job's name."""
    asked, matched = request.GET.get("q", "").replace("\0", ""), request.GET.get("matched", "")
    found = queries.told_runs(person(request)).filter(job__icontains=asked)
    if matched in ("yes", "no"):
        found = found.filter(run__isnull=matched == "no")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    shown = {"page": page, "asked": asked, "matched": matched, "choices": CHOICES}
    return render(request, "lineage/told_run_list.html", shown)


@require_safe
def told_run(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "lineage/told_run.html", {"told": queries.told_run(actor=person(request), pk=pk)})
