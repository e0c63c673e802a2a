"""Requests: the list, one request with its segment runs, and what can be done to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.signed_in import person
from apps.core.charts import Part
from apps.registry.queries import EvaluationCounts
from apps.retraining import actions, queries
from apps.retraining.forms import titled
from apps.retraining.models import Pipeline, RetrainingRequest, SegmentRun
from apps.retraining.queries import audiences, oversight
from apps.retraining.web.page import PageRequest, template_for
from apps.tracking.queries import reported_by_run

REQUESTS_PER_PAGE = 25
RUNS_PER_PAGE = 100
SHARED_SECONDS = 1
"""So long everybody who watches a request is shown the same drawing of its segments: a hundred people cost one."""
MATRIX_FROM, MATRIX_UP_TO = 8, 500  # segments: fewer the table shows at a glance; of more, a part is shown
FOLDED = 60  # segments of each status, where not all are shown
TONES = {
    "succeeded": "ok",
    "failed": "bad",
    "no_data": "warn",
    "running": "accent",
    "sent": "info",
    "waiting": "idle",
    "cancelled": "idle",
}
"""How a share of the bar is coloured."""


@dataclass(frozen=True)
class RequestRow:
    request: RetrainingRequest
    progress: queries.Progress


@dataclass(frozen=True)
class RunRow:
    """A segment run with what its script reported of the family's metric."""

    run: SegmentRun
    reported: float | None


@dataclass(frozen=True)
class RunTable:
    page: Page[SegmentRun]
    rows: Sequence[RunRow]


@dataclass(frozen=True)
class MatrixLine:
    """Segments of one status; `rest` are not among the cells."""

    status: str
    cells: Sequence[oversight.Cell]
    rest: int


@dataclass(frozen=True)
class StatusTab:
    status: str  # "" for all
    label: str
    count: int
    chosen: bool


@require_safe
def requests(request: PageRequest) -> HttpResponse:
    """Everybody's requests, the newest first; `status`, `mine`, `q` and `page` stand in the address."""
    asked = {name: request.GET.get(name, "") for name in ("status", "mine", "q")}
    found = oversight.matching(queries.requests(person(request)), asked["q"])
    if asked["status"] in RetrainingRequest.Status.values:
        found = found.filter(status=asked["status"])
    if asked["mine"]:
        found = found.filter(requester=person(request))
    page = Paginator(found, REQUESTS_PER_PAGE).get_page(request.GET.get("page"))
    rows = request_rows(list(page.object_list))
    shown = {
        "page": page,
        "rows": rows,
        "asked": asked,
        "statuses": RetrainingRequest.Status.choices,
        "filtered": any(asked.values()),
        "lives": any(row.request.is_open for row in rows),
    }
    return render(request, template_for(request, "retraining/requests.html", "list"), shown)


def request_rows(found: Sequence[RetrainingRequest]) -> list[RequestRow]:
    """The requests with their progress, in one more query."""
    progress = queries.progress_of([one.pk for one in found])
    return [RequestRow(one, progress.get(one.pk, queries.Progress())) for one in found]


@require_safe
def request_page(request: PageRequest, request_id: int) -> HttpResponse:
    """One request, live until its evaluations are over; `status` and `page` choose its segment runs."""
    found = queries.request(actor=person(request), request_id=request_id)
    parameters = titled(found.pipeline.schema, found.parameters)
    shown = _live_part(request, found) | {"parameters": parameters} | _question(request, found)
    return render(request, template_for(request, "retraining/request.html", "live"), shown)


@require_POST
def cancel(request: PageRequest, request_id: int) -> HttpResponse:
    found = queries.request(actor=person(request), request_id=request_id)
    actions.cancel_request(actor=person(request), request=found, reason=request.POST.get("reason", "")[:2_000])
    messages.info(request, f"Request #{request_id} is stopping: nothing more is sent, and what runs is ended.")
    return redirect(_back(request, request_id))


@require_POST
def cancel_segments(request: PageRequest, request_id: int) -> HttpResponse:
    """Takes the chosen segments out; the others go on."""
    found = queries.request(actor=person(request), request_id=request_id)
    chosen, reason = request.POST.getlist("segment"), request.POST.get("reason", "")[:2_000]
    count = actions.cancel_runs(actor=person(request), request=found, segments=chosen, reason=reason)
    messages.info(
        request, f"{count} segment{'s' if count > 1 else ''} of request #{request_id} will end; the others go on."
    )
    return redirect("retraining:request", request_id)


@require_POST
def hold(request: PageRequest, request_id: int) -> HttpResponse:
    found = queries.request(actor=person(request), request_id=request_id)
    actions.hold_request(actor=person(request), request=found, reason=request.POST.get("reason", "")[:2_000])
    return redirect("retraining:request", request_id)


@require_POST
def resume(request: PageRequest, request_id: int) -> HttpResponse:
    found = queries.request(actor=person(request), request_id=request_id)
    actions.resume_request(actor=person(request), request=found)
    messages.info(request, f"Request #{request_id} goes on.")
    return redirect("retraining:request", request_id)


@require_POST
def retry(request: PageRequest, request_id: int) -> HttpResponse:
    """Only what failed runs again; with a `reason`, only what failed for it."""
    found = queries.request(actor=person(request), request_id=request_id)
    actions.retry_failed(actor=person(request), request=found, reason=request.POST.get("reason", ""))
    return redirect("retraining:request", request_id)


def _question(request: PageRequest, found: RetrainingRequest) -> dict[str, Any]:
    """Of a request that waits, or waited, for approval: who is asked, who said what, and what exactly would run."""
    if found.approval is None:
        return {}
    return {
        "asked_people": audiences.asked_about(found.pk),
        "answers": list(found.approval.votes.select_related("user")),
        "may_answer": audiences.may_answer(person(request), found),
        "afterwards": Pipeline.AfterSuccess(found.plan["after_success"]).label,
        "expected": queries.estimate(found.pipeline, found.segments_total) if found.waits else None,
    }


def _live_part(request: PageRequest, found: RetrainingRequest) -> dict[str, Any]:
    """What changes while it runs: counts, what comes after, a page of segment runs, those that need somebody first."""
    evaluations = _evaluations(found)
    progress = queries.progress(found)
    status = request.GET.get("status", "")
    return {
        "retraining": found,
        "progress": progress,
        "tenths": int(progress.fraction * 10) * 10,
        "parts": parts_of(progress),
        "shared_for": SHARED_SECONDS if request.htmx else 0,
        "matrix": SimpleLazyObject(lambda: _matrix(found, progress)),
        "left": queries.seconds_left(found, progress),
        "because": queries.why_they_wait([found]).get(found.pk, []),
        "evaluations": evaluations,
        "lives": found.is_open or (evaluations is not None and _awaits(found, evaluations)),
        "again": f"{reverse('retraining:new', args=[found.pipeline.slug])}?copy={found.pk}",
        "failures": queries.failures(found) if progress.failed else [],
        "on_their_way": queries.on_their_way(found) if progress.open else [],
        "tabs": _tabs(progress, status),
        "status": status,
        "table": SimpleLazyObject(lambda: _run_table(found, status, request.GET.get("page"))),
        "links": queries.links_of_request(found),
    }


def _matrix(found: RetrainingRequest, progress: queries.Progress) -> list[MatrixLine]:
    if progress.total < MATRIX_FROM:
        return []
    lines = oversight.matrix(found, most=MATRIX_UP_TO if progress.total <= MATRIX_UP_TO else FOLDED)
    counts = {status: max(getattr(progress, status), len(cells)) for status, cells in lines.items()}
    return [MatrixLine(status, cells, counts[status] - len(cells)) for status, cells in lines.items()]


def _evaluations(found: RetrainingRequest) -> EvaluationCounts | None:
    """None as long as it trains, and for a plan after which nothing is evaluated."""
    if found.never_ran or found.is_open or found.plan["after_success"] == Pipeline.AfterSuccess.NOTHING:
        return None
    return queries.evaluations(found)


def _awaits(found: RetrainingRequest, evaluations: EvaluationCounts) -> bool:
    return found.followed_up_at is None or evaluations.open > 0


def parts_of(progress: queries.Progress) -> list[Part]:
    """The bar of a request: its segment runs by status."""
    labels = dict(SegmentRun.Status.choices)
    counts = [(status, getattr(progress, status), tone) for status, tone in TONES.items()]
    return [Part(labels[status].capitalize(), count, tone) for status, count, tone in counts if count]


def _tabs(progress: queries.Progress, chosen: str) -> list[StatusTab]:
    """All, and each status that there is, those that need somebody first."""
    labels = dict(SegmentRun.Status.choices)
    counts = [(status.value, getattr(progress, status)) for status in oversight.WORST_FIRST]
    known = [
        StatusTab(status, labels[status].capitalize(), count, status == chosen)
        for status, count in counts
        if count or status == chosen
    ]
    return [StatusTab("", "All", progress.total, chosen not in labels), *known]


def _run_table(found: RetrainingRequest, status: str, number: str | None) -> RunTable:
    runs = oversight.worst_first(queries.lines_of(found))
    if status in SegmentRun.Status.values:
        runs = runs.filter(status=status)
    page = Paginator(runs, RUNS_PER_PAGE).get_page(number)
    shown = list(page.object_list)
    reported = reported_by_run([run.run_id for run in shown if run.run_id])
    return RunTable(page, [RunRow(run, reported.get(run.run_id or "", {}).get(found.family.metric)) for run in shown])


def _back(request: PageRequest, request_id: int) -> str:
    """Where the button stood: the operations page says so, else it is the request's own page."""
    if request.POST.get("back") == "operations":
        return reverse("operations")
    return reverse("retraining:request", args=[request_id])
