"""What a person may do to a request that was sent: stop all or some of it, hold it, ask again for what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from apps.audit.actions import record
from apps.core.doorbell import ring
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.transitions import move
from apps.retraining.events import Event
from apps.retraining.models import OPEN_RUNS, RetrainingRequest, SegmentRun

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def cancel_request(*, actor: User, request: RetrainingRequest, reason: str = "") -> RetrainingRequest:
    """Nothing more is sent; what runs is ended at its next heartbeat. Raises Conflict when it is over."""
    require(actor, "retraining.cancel", request)
    request = _locked(request)
    if request.waits:
        raise Conflict(f"Request #{request.pk} still waits for approval: withdraw it instead.")
    if not request.is_open:
        raise Conflict(f"Request #{request.pk} is already over ({request.get_status_display()}): nothing to cancel.")
    if request.cancel_requested_at is None:
        RetrainingRequest.objects.filter(pk=request.pk).update(cancel_requested_at=Now())
        request.refresh_from_db(fields=["cancel_requested_at"])
        record(actor=actor, action=Event.REQUEST_CANCELLED, target=request, note=reason)
        ring("retraining.drive", request.pk)
    return request


@transaction.atomic
def cancel_runs(*, actor: User, request: RetrainingRequest, segments: Sequence[str], reason: str = "") -> int:
    """Takes segments (by slug) out of a request; the others go on. Answers how many runs end because of it.

    Raises Conflict when none of them is still on its way.
    """
    require(actor, "retraining.cancel", request)
    request = _locked(request)
    chosen = request.runs.open().filter(segment__slug__in=segments, cancel_requested_at=None)
    slugs = sorted(chosen.values_list("segment__slug", flat=True))
    if not slugs:
        raise Conflict(f"None of these segments of request #{request.pk} is still on its way: nothing to cancel.")
    chosen.update(cancel_requested_at=Now())
    record(actor=actor, action=Event.RUNS_CANCELLED, target=request, after={"segments": slugs}, note=reason)
    ring("retraining.drive", request.pk)
    return len(slugs)


@transaction.atomic
def hold_request(*, actor: User, request: RetrainingRequest, reason: str) -> RetrainingRequest:
    """What runs goes on, nothing more is sent until somebody resumes it. Raises Conflict when it is over or held."""
    require(actor, "retraining.hold", request)
    request = _locked(request)
    if not reason.strip():
        raise Invalid("Say why: the reason stands on the request until it is resumed.", field="reason")
    if not request.is_open or request.is_stopping or request.is_held:
        raise Conflict(f"Request #{request.pk} can not be held now; reload to see what happened.")
    changes = {"held_at": Now(), "held_because": f"{reason.strip()} ({actor})"}
    RetrainingRequest.objects.filter(pk=request.pk).update(**changes)
    request.refresh_from_db(fields=list(changes))
    record(actor=actor, action=Event.REQUEST_HELD, target=request, note=reason.strip())
    ring("retraining.drive", request.pk)
    return request


@transaction.atomic
def resume_request(*, actor: User, request: RetrainingRequest) -> RetrainingRequest:
    """Goes on sending; failures until now no longer hold it. Raises Conflict when it is not held."""
    require(actor, "retraining.hold", request)
    request = _locked(request)
    if not request.is_held:
        raise Conflict(f"Request #{request.pk} is not held: there is nothing to resume.")
    because = request.held_because
    changes: dict[str, Any] = {"held_at": None, "held_because": "", "resumed_at": Now()}
    RetrainingRequest.objects.filter(pk=request.pk).update(**changes)
    request.refresh_from_db(fields=list(changes))
    record(actor=actor, action=Event.REQUEST_RESUMED, target=request, before={"held": because})
    ring("retraining.drive", request.pk)
    return request


@transaction.atomic
def retry_failed(*, actor: User, request: RetrainingRequest, reason: str = "") -> RetrainingRequest:
    """Only what failed waits again, with all its tries; with a `reason`, only what failed for it.

    Raises Conflict when there is none.
    """
    require(actor, "retraining.retry", request)
    request = _locked(request)
    failed = request.runs.filter(status=SegmentRun.Status.FAILED)
    failed = failed.filter(reason=reason) if reason else failed
    slugs = list(failed.values_list("segment__slug", flat=True))
    if not slugs:
        raise Conflict(f"Nothing has failed in request #{request.pk}: there is nothing to retry.")
    _reopen(request)
    failed.update(status=SegmentRun.Status.WAITING, **_fresh())
    record(actor=actor, action=Event.FAILED_RETRIED, target=request, after={"segments": slugs})
    ring("retraining.drive", request.pk)
    return request


@transaction.atomic
def retry_run(*, actor: User, run: SegmentRun) -> SegmentRun:
    """One run that failed, was cancelled or found no data waits again; raises Conflict for any other."""
    require(actor, "retraining.retry", run)
    request = _locked(run.request)
    run = SegmentRun.objects.select_related("segment").select_for_update(of=("self",)).get(pk=run.pk)
    if run.status in OPEN_RUNS:
        raise Conflict(f"{run} is still on its way: wait until it is over, or cancel request #{request.pk}.")
    _reopen(request)
    move(run, SegmentRun.Status.WAITING, **_fresh())
    run.request = request
    record(actor=actor, action=Event.RUN_RETRIED, target=run)
    ring("retraining.drive", request.pk)
    return run


def _locked(request: RetrainingRequest) -> RetrainingRequest:
    """The request as it is now, waiting for a drive that is just at it."""
    rows = RetrainingRequest.objects.select_related("pipeline__team", "family__team", "requester")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=request.pk)


def _reopen(request: RetrainingRequest) -> None:
    """A request that is over runs again; one that is being cancelled stays so."""
    if request.is_stopping:
        raise Conflict(f"Request #{request.pk} is stopping; wait until it has, then retry.")
    if not request.is_open:
        fresh: dict[str, Any] = {
            "finished_at": None,
            "cancel_requested_at": None,
            "resumed_at": Now(),
            "followed_up_at": None,
            "follow_up_note": "",
        }
        move(request, RetrainingRequest.Status.RUNNING, **fresh)


def _fresh() -> dict[str, Any]:
    """How a run looks that somebody asked for again: its attempts stay told, and no longer count."""
    return {
        "attempts_forgiven": F("attempt"),
        "cancel_requested_at": None,
        "sends": 0,
        "sent_at": None,
        "not_before": None,
        "heartbeat_at": None,
        "progress": None,
        "message": "",
        "cause": "",
        "reason": "",
        "started_at": None,
        "finished_at": None,
    }
