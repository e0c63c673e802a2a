"""One segment run: how it went, its log, and what it left."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.signed_in import person
from apps.artifacts.queries import files_of
from apps.retraining import actions, queries
from apps.retraining.forms import titled
from apps.retraining.models import LOG_CHARACTERS, OPEN_RUNS, SegmentRun
from apps.retraining.web.page import PageRequest
from apps.tracking.queries import reported


@dataclass(frozen=True)
class LogPiece:
    """What a reader has not seen of a log. `cursor` asks for the next piece; `whole` replaces what is shown."""

    text: str
    cursor: str
    whole: bool


@require_safe
def run_page(request: PageRequest, run_id: int) -> HttpResponse:
    """One segment run, live while it is open; a fragment brings the log since `log`."""
    run = queries.segment_run(actor=person(request), run_id=run_id)
    piece = unseen_log(run, request.GET.get("log", "") if request.htmx else "")
    shown = {"run": run, "piece": piece, "lives": run.status in OPEN_RUNS}
    if not request.htmx:
        return render(request, "retraining/run.html", shown | _still_part(run))
    response = render(request, "retraining/run.html#live", shown)
    response["HX-Reswap"] = "innerHTML" if piece.whole else "beforeend"
    if not shown["lives"]:  # its files, metrics and version are there now
        response["HX-Refresh"] = "true"
    return response


@require_POST
def retry_one(request: PageRequest, run_id: int) -> HttpResponse:
    run = queries.segment_run(actor=person(request), run_id=run_id)
    actions.retry_run(actor=person(request), run=run)
    return redirect("retraining:run", run_id)


def unseen_log(run: SegmentRun, cursor: str) -> LogPiece:
    """The log after `cursor` ("<attempt>.<characters>"), or all of it when that can not be told.

    A log at its limit has lost its beginning, so that places in it mean nothing any more.
    """
    attempt, _, seen = cursor.partition(".")
    now = f"{run.attempt}.{len(run.log)}"
    known = attempt == str(run.attempt) and seen.isdecimal() and int(seen[:9]) <= len(run.log)
    if known and (len(run.log) < LOG_CHARACTERS or cursor == now):
        return LogPiece(run.log[int(seen) :], now, whole=False)
    return LogPiece(run.log, now, whole=True)


def _still_part(run: SegmentRun) -> dict[str, Any]:
    return {
        "attempts": list(run.attempts.all())[::-1],
        "parameters": titled(run.request.pipeline.schema, run.request.parameters),
        "reported": sorted(reported(run.run).items()) if run.run else [],
        "files": files_of(run.run.tree) if run.run else [],
        "retriable": SegmentRun.Status.WAITING in SegmentRun.ALLOWED[run.status] and run.status not in OPEN_RUNS,
    }
