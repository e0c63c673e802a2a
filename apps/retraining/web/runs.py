"""One segment run: how it went, its log, and what it left."""

import hashlib
import io
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.signed_in import person
from apps.artifacts.queries import files_of
from apps.core.downloads import attachment
from apps.core.errors import Missing
from apps.retraining import actions, queries
from apps.retraining.forms import titled
from apps.retraining.models import LOG_CHARACTERS, OPEN_RUNS, SegmentRun
from apps.retraining.phases import phases
from apps.retraining.web.page import PageRequest
from apps.tracking.queries import curves, reported

ENVIRONMENT = {
    "connection": "Runs on",
    "workflow": "Called there",
    "command": "Command",
    "script": "Script",
    "script_sha256": "SHA-256 of it",
    "data": "Data",
    "preload": "Loaded before",
    "seconds": "Seconds at most",
    "memory_mb": "Memory in MB",
    "max_attempts": "Tries at most",
}
"""What a run is given besides its parameters: by the plan's words."""


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
    shown = {
        "run": run,
        "piece": piece,
        "lives": run.status in OPEN_RUNS,
        "is_cut": len(run.log) >= LOG_CHARACTERS,
        "curves": curves(run.run) if run.run else [],
        "phases": phases(run, timezone.now()),
    }
    if not request.htmx:
        links = queries.links_of_run(person(request), run)
        return render(request, "retraining/run.html", {**shown, **_still_part(run), "links": links})
    response = render(request, "retraining/run.html#live", shown)
    response["HX-Reswap"] = "innerHTML" if piece.whole else "beforeend"
    if not shown["lives"]:  # its files, metrics and version are there now
        response["HX-Refresh"] = "true"
    return response


@require_safe
def run_log(request: PageRequest, run_id: int) -> FileResponse:
    """The log as a file, as far as it is kept."""
    run = queries.segment_run(actor=person(request), run_id=run_id)
    if run.log_cut_at:
        raise Missing(f"The log was removed on {run.log_cut_at:%Y-%m-%d} by the family's rule of retention.")
    name = f"{run.segment.slug}-{run.request_id}-attempt-{run.attempt}.log"
    text = run.log.encode()
    return attachment(io.BytesIO(text), path=name, size=len(text), sha256=hashlib.sha256(text).hexdigest())


@require_POST
def retry_one(request: PageRequest, run_id: int) -> HttpResponse:
    run = queries.segment_run(actor=person(request), run_id=run_id)
    actions.retry_run(actor=person(request), run=run)
    return redirect("retraining:run", run_id)


def unseen_log(run: SegmentRun, cursor: str) -> LogPiece:
    """The log after `cursor` ("<attempt>.<characters>"), or all of it when that can not be told.

    A log at its limit loses its beginning while it goes on: places in it mean nothing any more, its checksum does.
    """
    now = f"{run.attempt}.{len(run.log)}"
    if len(run.log) >= LOG_CHARACTERS:
        now += f".{crc32(run.log.encode()):x}"
    attempt, _, seen = cursor.partition(".")
    known = attempt == str(run.attempt) and seen.isdecimal() and int(seen[:9]) <= len(run.log) < LOG_CHARACTERS
    if known or cursor == now:
        return LogPiece(run.log[int(seen) :] if known else "", now, whole=False)
    return LogPiece(run.log, now, whole=True)


def _still_part(run: SegmentRun) -> dict[str, Any]:
    plan = dict(run.request.plan)
    if "connection_id" in plan:
        del plan["memory_mb"]  # which is the platform's own affair
    return {
        "environment": [(label, plan[name]) for name, label in ENVIRONMENT.items() if plan.get(name)],
        "attempts": list(run.attempts.all())[::-1],
        "parameters": titled(run.request.pipeline.schema, run.request.parameters),
        "reported": sorted(reported(run.run).items()) if run.run else [],
        "files": files_of(run.run.tree) if run.run else [],
        "retriable": SegmentRun.Status.WAITING in SegmentRun.ALLOWED[run.status] and run.status not in OPEN_RUNS,
    }
