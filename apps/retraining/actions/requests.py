"""Verbs of requests: what a person may ask for, take back and ask for again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from apps.audit.actions import record
from apps.core.doorbell import ring
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.transitions import move
from apps.retraining.events import Event
from apps.retraining.freezing import choose_segments, freeze
from apps.retraining.models import OPEN_RUNS, Pipeline, RetrainingRequest, SegmentRun
from apps.retraining.plans import digest_of

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily, Segment

LONGEST_REASON = 2_000
LONGEST_KEY = 100
ALL_SEGMENTS = None


def submit_request(
    *,
    actor: User,
    pipeline: Pipeline,
    family: ModelFamily,
    parameters: Mapping[str, Any],
    segments: Sequence[str] | None = ALL_SEGMENTS,
    reason: str = "",
    key: str | None = None,
) -> RetrainingRequest:
    """Freezes the plan: the request and one waiting run per segment (by slug; None is all of the family's).

    With a `key` of the actor's that was used before, the request that it made then; Conflict if that one asked for
    something else. Raises Invalid whose `errors` name the fields.
    """
    require(actor, "retraining.submit", family)
    chosen = _check(pipeline, family, segments, reason, key)
    plan = freeze(pipeline=pipeline, family=family, parameters=parameters, segments=chosen)
    if key and (sent := _sent_before(actor, key, plan)):
        return sent
    try:
        return _submit(actor, pipeline, family, plan, chosen, reason, key)
    except IntegrityError:  # the same key, at the same moment
        if key and (sent := _sent_before(actor, key, plan)):
            return sent
        raise


@transaction.atomic
def cancel_request(*, actor: User, request: RetrainingRequest, reason: str = "") -> RetrainingRequest:
    """Nothing more is sent; what runs is ended at its next heartbeat. Raises Conflict when it is over."""
    require(actor, "retraining.cancel", request)
    request = _locked(request)
    if not request.is_open:
        raise Conflict(f"Request #{request.pk} is already over ({request.get_status_display()}): nothing to cancel.")
    if request.cancel_requested_at is None:
        RetrainingRequest.objects.filter(pk=request.pk).update(cancel_requested_at=Now())
        request.refresh_from_db(fields=["cancel_requested_at"])
        record(actor=actor, action=Event.REQUEST_CANCELLED, target=request, note=reason)
        ring("retraining.drive", request.pk)
    return request


@transaction.atomic
def retry_failed(*, actor: User, request: RetrainingRequest) -> RetrainingRequest:
    """Only what failed waits again, with all its tries; raises Conflict when nothing failed."""
    require(actor, "retraining.retry", request)
    request = _locked(request)
    failed = request.runs.filter(status=SegmentRun.Status.FAILED)
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


def _check(
    pipeline: Pipeline, family: ModelFamily, segments: Sequence[str] | None, reason: str, key: str | None
) -> list[Segment]:
    if not pipeline.is_active:
        raise Conflict(f"The pipeline {pipeline} is switched off; choose another one or ask its team.")
    if not pipeline.families.filter(pk=family.pk).exists():
        raise Invalid(f"The pipeline {pipeline} does not train {family}; choose one that does.", field="pipeline")
    if len(reason) > LONGEST_REASON or "\0" in reason:
        raise Invalid(f"The reason is a text of at most {LONGEST_REASON:,} characters.", field="reason")
    if key is not None and (not 1 <= len(key) <= LONGEST_KEY or not key.isprintable()):
        raise Invalid(f"A key has 1 to {LONGEST_KEY} printable characters.", field="key")
    return choose_segments(family, segments)


def _sent_before(actor: User, key: str, plan: Mapping[str, Any]) -> RetrainingRequest | None:
    sent = RetrainingRequest.objects.filter(requester=actor, key=key).first()
    asked = ("pipeline", "family", "parameters", "segments")
    if sent and any(sent.plan[name] != plan[name] for name in asked):
        raise Conflict(f"The key {key!r} was used for request #{sent.pk}, which asked for something else.")
    return sent


@transaction.atomic
def _submit(
    actor: User,
    pipeline: Pipeline,
    family: ModelFamily,
    plan: dict[str, Any],
    segments: Sequence[Segment],
    reason: str,
    key: str | None,
) -> RetrainingRequest:
    request = RetrainingRequest.objects.create(
        pipeline=pipeline,
        family=family,
        parameters=plan["parameters"],
        plan=plan,
        digest=digest_of(plan),
        segments_total=len(segments),
        reason=reason,
        requester=actor,
        key=key,
    )
    request.refresh_from_db(fields=["created_at"])
    SegmentRun.objects.bulk_create(SegmentRun(request=request, segment=segment) for segment in segments)
    told = {"pipeline": pipeline.slug, "parameters": plan["parameters"], "digest": request.digest}
    record(actor=actor, action=Event.REQUEST_SUBMITTED, target=request, after=told, note=reason)
    ring("retraining.drive", request.pk)
    return request


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
            "followed_up_at": None,
            "follow_up_note": "",
        }
        move(request, RetrainingRequest.Status.RUNNING, **fresh)


def _fresh() -> dict[str, Any]:
    """How a run looks that somebody asked for again: its attempts stay told, and no longer count."""
    return {
        "attempts_forgiven": F("attempt"),
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
