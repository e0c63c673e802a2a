"""What operators look after: workers, queues, what runs, what failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import queries as accounts
from apps.accounts.rules import is_operator
from apps.accounts.signed_in import person
from apps.artifacts import queries as artifacts
from apps.core.errors import Invalid, PortalError
from apps.core.heartbeats import BrokerAway
from apps.platforms.queries import in_trouble, may_administer
from apps.retraining import actions, queries
from apps.retraining.models import RetrainingRequest, SegmentRun, Worker
from apps.retraining.queries import oversight
from apps.retraining.web.page import PageRequest, template_for
from apps.retraining.web.requests import request_rows

if TYPE_CHECKING:
    from apps.accounts.models import User

OPEN_PER_PAGE = 20
NAMED_PER_WORKER = 3


@dataclass(frozen=True)
class WorkerRow:
    """A worker with the first of the runs that it works on; `more` of them are not named."""

    worker: Worker
    alive: bool
    runs: Sequence[SegmentRun]
    more: int
    forgotten: bool  # another worker that started later runs other code


@dataclass(frozen=True)
class OpenRow:
    """An open request, how far it is, and what keeps it from going faster."""

    request: RetrainingRequest
    progress: queries.Progress
    because: Sequence[str]


@dataclass(frozen=True)
class FileStore:
    """Where files lie, as far as the reader may know; `said` is empty where it answers, None before the first look."""

    place: str
    said: str | None


@require_safe
def operations(request: PageRequest) -> HttpResponse:
    """Everybody may look; only operators see buttons here. Others cancel their own on the request's page."""
    actor = person(request)
    page = Paginator(oversight.open_requests(actor), OPEN_PER_PAGE).get_page(request.GET.get("page"))
    workers, operates, administers = _worker_rows(actor), is_operator(actor), may_administer(actor)
    shown = {
        "workers": workers,
        "alive": sum(row.alive for row in workers),
        "slots": queries.slots(),
        "depths": queries.queue_depths(),
        "loads": oversight.load_by_pipeline(actor),
        "page": page,
        "rows": _open_rows(list(page.object_list)),
        "failures": oversight.recent_failures(actor),
        "files": _files(administers),
        # Their sentences may name addresses inside the company, so not for everybody.
        "troubles": in_trouble() if operates or administers else [],
        "operates": operates,
        "quotas": queries.team_quotas(),
        "teams": accounts.teams(),
    }
    return render(request, template_for(request, "retraining/operations.html", "live"), shown)


def _files(administers: bool) -> FileStore | None:
    """Which bucket it is only those read who look after it."""
    try:
        health = artifacts.store_health()
    except BrokerAway:
        return None
    place = health.words if administers else "in S3" if health.in_s3 else "on a local disk"
    return FileStore(place, health.said)


def _worker_rows(actor: "User") -> list[WorkerRow]:
    workers, running = list(queries.workers()), queries.running_on(actor)
    newest = max((worker for worker in workers if worker.release), key=lambda one: one.started_at, default=None)
    rows: list[WorkerRow] = []
    for worker in workers:
        named, alive = running.get(worker.name, [])[:NAMED_PER_WORKER], queries.is_alive(worker)
        forgotten = alive and newest is not None and worker.release != newest.release
        rows.append(WorkerRow(worker, alive, named, worker.busy - len(named), forgotten))  # type: ignore[attr-defined]
    return rows


def _open_rows(requests: Sequence[RetrainingRequest]) -> list[OpenRow]:
    because = queries.why_they_wait(requests)
    return [OpenRow(row.request, row.progress, because.get(row.request.pk, [])) for row in request_rows(requests)]


@require_POST
def drain(request: PageRequest, name: str) -> HttpResponse:
    actions.drain_worker(actor=person(request), worker=queries.worker(name))
    messages.info(request, f"{name} ends what it runs and takes nothing more.")
    return redirect("operations")


@require_POST
def undrain(request: PageRequest, name: str) -> HttpResponse:
    actions.undrain_worker(actor=person(request), worker=queries.worker(name))
    messages.info(request, f"{name} takes runs again, within seconds.")
    return redirect("operations")


@require_POST
def retry_recent(request: PageRequest) -> HttpResponse:
    """What failed lately for one reason, in each of its requests; where that is not possible, it is told why."""
    reason = request.POST.get("reason", "")
    groups = [group for group in oversight.recent_failures(person(request)) if group.reason == reason]
    for number in {number for group in groups for number in group.requests}:
        failed = queries.request(actor=person(request), request_id=number)
        try:
            actions.retry_failed(actor=person(request), request=failed, reason=reason)
        except PortalError as error:
            messages.warning(request, error.message)
        else:
            messages.info(request, f"What failed in request #{number} for this reason is tried again.")
    if not groups:
        messages.info(request, "Nothing that failed for this reason is left.")
    return redirect("operations")


@require_POST
def set_quota(request: PageRequest) -> HttpResponse:
    """A team's limit; an empty number takes it away."""
    team, number = accounts.team(slug=request.POST.get("team", "")), request.POST.get("max_concurrent", "").strip()
    if number and not number.isdecimal():
        raise Invalid("Give a whole number, or nothing for no limit.", field="max_concurrent")
    actions.set_team_quota(actor=person(request), team=team, max_concurrent=int(number[:9]) if number else None)
    messages.info(request, f"{team}: {f'at most {number} runs' if number else 'no limit'}.")
    return redirect("operations")
