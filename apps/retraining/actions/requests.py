"""Sending a request: the plan is frozen, and one waiting run per segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from apps.accounts.queries import people_behind
from apps.approvals.actions import open_approval
from apps.audit.actions import record
from apps.core.doorbell import ring
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.retraining.events import Event
from apps.retraining.freezing import choose_segments, freeze
from apps.retraining.models import Pipeline, RetrainingRequest, SegmentRun, SegmentRunQuerySet
from apps.retraining.plans import digest_of, training_window
from apps.retraining.queries import blocking_signals
from apps.retraining.rules import Use

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Approval
    from apps.registry.models import ModelFamily, Segment

DAYS_OPEN = 7
LONGEST_REASON = 2_000
LONGEST_KEY = 100
ALL_SEGMENTS = None
NAMED_AT_MOST = 5  # segments told in one sentence
Status = RetrainingRequest.Status


def submit_request(
    *,
    actor: User,
    pipeline: Pipeline,
    family: ModelFamily,
    parameters: Mapping[str, Any],
    segments: Sequence[str] | None = ALL_SEGMENTS,
    reason: str = "",
    key: str | None = None,
    after_success: str = "",
) -> RetrainingRequest:
    """Freezes the plan: the request and one waiting run per segment (by slug; None is all of the family's).

    Where the pipeline asks for an approval, it waits for that, and its runs are made when it is there.

    `after_success` empty is as the pipeline says. With a `key` of the actor's that was used before, the request that
    it made then; Conflict if that one asked for something else. Raises Invalid whose `errors` name the fields.
    """
    require(actor, "retraining.submit", family)
    require(actor, "retraining.use", Use(pipeline, family))
    chosen = _check(pipeline, family, segments, reason, key)
    plan = freeze(pipeline=pipeline, family=family, parameters=parameters, segments=chosen, after_success=after_success)
    if key and (sent := _sent_before(actor, key, plan)):
        return sent
    try:
        return _submit(actor, pipeline, family, plan, chosen, reason, key)
    except IntegrityError:  # the same key, at the same moment
        if key and (sent := _sent_before(actor, key, plan)):
            return sent
        raise


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
    waits = pipeline.asks_for_approval(len(segments))
    request = RetrainingRequest(
        pipeline=pipeline,
        family=family,
        parameters=plan["parameters"],
        plan=plan,
        digest=digest_of(plan),
        segments_total=len(segments),
        reason=reason,
        requester=actor,
        key=key,
        status=Status.WAITING_FOR_APPROVAL if waits else Status.SUBMITTED,
    )
    request.approval = _ask(request) if waits else None
    request.save(force_insert=True)
    request.refresh_from_db(fields=["created_at"])
    told = {"pipeline": pipeline.slug, "parameters": plan["parameters"], "digest": request.digest}
    asked = Event.REQUEST_PUT_UP if waits else Event.REQUEST_SUBMITTED
    record(actor=actor, action=asked, target=request, after=told, note=reason)
    if waits:
        refuse_now(request=request, segments=segments)
    else:
        begin(request=request, segments=segments)
    return request


def begin(*, request: RetrainingRequest, segments: Sequence[Segment]) -> None:
    """One waiting run per segment, and earlier ones make way as the plan says. Raises Conflict where they can not."""
    refuse_now(request=request, segments=segments)
    if request.plan["overlap"] == Pipeline.Overlap.REPLACE:
        _replace(request.requester, request, _earlier(request, segments))
    SegmentRun.objects.bulk_create(SegmentRun(request=request, segment=segment) for segment in segments)
    ring("retraining.drive", request.pk)


def refuse_now(*, request: RetrainingRequest, segments: Sequence[Segment]) -> None:
    """Raises Conflict for data that are broken, and for segments that may not be retrained beside an earlier run."""
    _refuse_broken_data(request, segments)
    Pipeline.objects.select_for_update(no_key=True).get(pk=request.pipeline_id)  # no two requests look past each other
    if request.plan["overlap"] == Pipeline.Overlap.FORBID:
        _refuse_overlap(_earlier(request, segments))


def _ask(request: RetrainingRequest) -> Approval:
    """The family's approvers are asked about the plan's digest; who asks, or stands behind it, is not among them."""
    number = request.segments_total
    return open_approval(
        actor=request.requester,
        title=f"Retrain {number} segment{'s' if number > 1 else ''} of {request.family} with {request.pipeline}"[:200],
        digest=request.digest,
        team=request.family.team,
        needed=1,
        excluded=people_behind(request.requester),
        approvers=list(request.family.approvers.all()),
        days=DAYS_OPEN,
    )


def _refuse_broken_data(request: RetrainingRequest, segments: Sequence[Segment]) -> None:
    """What a schema or volume signal says of days in the training window has to be looked at first."""
    window = training_window(request.plan["window"], request.parameters)
    signal = blocking_signals(request.family, segments, window).first()
    if signal:
        where = f" of {signal.segment}" if signal.segment else ""
        raise Conflict(
            f"Signal #{signal.pk} says that the data{where} in this training window are broken: {signal.summary} "
            "Choose another window, leave the segment out, or set the signal aside."
        )


def _earlier(request: RetrainingRequest, segments: Sequence[Segment]) -> SegmentRunQuerySet:
    """Runs of these segments that another request still has, and that are not about to end."""
    earlier = SegmentRun.objects.open().filter(request__family=request.family_id, segment__in=segments)
    return earlier.exclude(cancel_requested_at__isnull=False).exclude(request__cancel_requested_at__isnull=False)


def _refuse_overlap(earlier: SegmentRunQuerySet) -> None:
    busy = sorted(earlier.values_list("segment__name", flat=True))
    if busy:
        named = ", ".join(busy[:NAMED_AT_MOST])
        more = f" and {len(busy) - NAMED_AT_MOST} more" if len(busy) > NAMED_AT_MOST else ""
        raise Conflict(f"{named}{more} are being retrained already: wait until that has ended, or leave them out.")


def _replace(actor: User, request: RetrainingRequest, earlier: SegmentRunQuerySet) -> None:
    """Whoever may not cancel the earlier runs may not replace them either."""
    by_request = {run.request_id: run.request for run in earlier.select_related("request__family__team")}
    for replaced in by_request.values():
        require(actor, "retraining.cancel", replaced)
        runs = earlier.filter(request=replaced)
        segments = sorted(runs.values_list("segment__slug", flat=True))
        runs.update(cancel_requested_at=Now())
        note = f"Replaced by request #{request.pk}."
        record(actor=actor, action=Event.RUNS_CANCELLED, target=replaced, after={"segments": segments}, note=note)
        ring("retraining.drive", replaced.pk)
