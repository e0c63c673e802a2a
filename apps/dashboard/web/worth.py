"""Is a model of its own worth it: the page, its table as a file, and the button that has it compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.signed_in import person
from apps.core.web import PageRequest
from apps.dashboard import queries
from apps.dashboard.spreadsheet import worth_as_csv
from apps.dashboard.web.reading import family_of, head
from apps.dashboard.worth import wanted
from apps.registry import actions

if TYPE_CHECKING:
    from apps.registry.models import Evaluation


@require_safe
def worth_it(request: PageRequest, slug: str) -> HttpResponse:
    """`?month=` 2013-07, `?winner=`, `?q=`, `?sort=`."""
    family, wish = family_of(request, slug), wanted(request.GET)
    page = queries.worth_page(family=family, wish=wish)
    shown = {"tab": "worth-it", "page": page, "worth": page.worth, "wish": wish, **head(person(request), family)}
    return render(request, "dashboard/worth_it.html", shown)


@require_safe
def worth_it_csv(request: PageRequest, slug: str) -> HttpResponse:
    """What the page shows with the same filters, as a file."""
    family = family_of(request, slug)
    page = queries.worth_page(family=family, wish=wanted(request.GET))
    headers = {"Content-Disposition": f'attachment; filename="{family.slug}-worth-it.csv"'}
    text = worth_as_csv([row.found for row in page.rows])
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@require_POST
def compare_with_shared(request: PageRequest, slug: str) -> HttpResponse:
    asked = actions.compare_with_shared(actor=person(request), family=family_of(request, slug))
    messages.success(request, _said(asked))
    return redirect("dashboard:worth-it", slug)


def _said(asked: list[Evaluation]) -> str:
    champions = "1 champion is" if len(asked) == 1 else f"{len(asked)} champions are"
    return f"{champions} compared with the shared model on {asked[0].window_last:%B %Y}; reload in a moment."
