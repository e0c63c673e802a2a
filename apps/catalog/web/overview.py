"""Pages about all tools at once: the map of needs, measures, what got weaker, a comparison, a quarter's report."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.shortcuts import render
from django.utils import timezone
from django.utils.text import slugify

from apps.accounts.signed_in import person
from apps.catalog import queries
from apps.catalog.comparing import compared
from apps.catalog.queries import measures
from apps.catalog.queries.map import capability_map as map_of_needs
from apps.core.errors import Missing

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

MOST_COMPARED = 5
QUARTER = 3


def capability_map(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/map.html", {"stages": map_of_needs(actor=person(request))})


def zoo(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/zoo.html", {"zoo": measures.zoo(actor=person(request))})


def watch(request: HttpRequest) -> HttpResponse:
    actor = person(request)
    signs, unused = measures.weaker(actor=actor), measures.unused(actor=actor)
    shown = {"signs": signs, "unused": unused, "quarter": this_quarter()}
    return render(request, "catalog/watch.html", shown)


def compare(request: HttpRequest) -> HttpResponse:
    """`?t=feast&t=kubeflow&only=differences`; a tool's name will do, too."""
    typed = [words.strip()[:100] for words in request.GET.getlist("t") if words.strip()][:MOST_COMPARED]
    slugs = [slugify(words) for words in typed]
    found = {tool.slug: tool for tool in queries.tools(actor=person(request)).filter(slug__in=slugs)}
    tools = [found[slug] for slug in dict.fromkeys(slugs) if slug in found]
    only = request.GET.get("only") == "differences"
    used = queries.users_of(actor=person(request), tools=tools)
    shown = {
        "tools": tools,
        "rows": compared(tools, used, only_differences=only),
        "only": only,
        "boxes": [*typed, *[""] * (MOST_COMPARED - len(typed))],
        "unknown": [words for words, slug in zip(typed, slugs, strict=True) if slug not in found],
        "names": queries.tool_names(actor=person(request)),
    }
    return render(request, "catalog/compare.html", shown)


def report(request: HttpRequest, quarter: str) -> HttpResponse:
    """One page for the steering committee."""
    first = first_day(quarter)
    last = _end(first)
    actor = person(request)
    moves = queries.moves(actor=actor).filter(applied_on__gte=first, applied_on__lte=last)
    decided = queries.decisions(actor=actor)
    shown = {
        "quarter": quarter,
        "first": first,
        "last": last,
        "moves": list(moves[:200]),
        "decided": list(decided.filter(decided_on__gte=first, decided_on__lte=last)[:100]),
        "open": list(decided.filter(status="proposed")[:100]),
        "exceptions": queries.active_exceptions(actor=actor),
        "migrations": [
            (one, queries.burn_down(actor=actor, decision=one))
            for one in decided.filter(moves_from__isnull=False, status="accepted")[:20]
        ],
        "measures": measures.zoo(actor=actor).measures,
        "signs": measures.weaker(actor=actor)[:12],
    }
    return render(request, "catalog/report.html", shown)


def this_quarter() -> str:
    today = timezone.localdate()
    return f"{today.year}Q{(today.month - 1) // QUARTER + 1}"


def first_day(quarter: str) -> date:
    """Of 2026Q4. Raises Missing for what is none."""
    year, _, number = quarter.partition("Q")
    try:
        if number not in ("1", "2", "3", "4"):
            raise ValueError(quarter)
        return date(int(year), (int(number) - 1) * QUARTER + 1, 1)
    except ValueError as error:
        raise Missing("A quarter is written like 2026Q4.") from error


def _end(first: date) -> date:
    later = date(first.year + (first.month + QUARTER > 12), (first.month + QUARTER - 1) % 12 + 1, 1)
    return later - timedelta(days=1)
