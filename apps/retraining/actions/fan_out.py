"""The coordinator's steps: find open requests, decide by `fanout.plan`, save, and only then send.

Rows are the truth: each step may run twice, late or never, and the next one finds what is left to do. Evidence, so
nothing is asked and nothing audited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, Value
from django.db.models.functions import Now

from apps.core.doorbell import ring
from apps.core.errors import PortalError
from apps.core.transitions import move
from apps.registry import actions as registry
from apps.registry import queries as registry_queries
from apps.retraining import fanout, queries
from apps.retraining.actions.approving import expire_requests
from apps.retraining.actions.attempts import take_back
from apps.retraining.holds import connections_due
from apps.retraining.models import (
    OPEN_RUNS,
    Pipeline,
    RetrainingRequest,
    SegmentRun,
    SegmentRunQuerySet,
    TeamQuota,
    Worker,
)

if TYPE_CHECKING:
    from apps.registry.models import ModelVersion, Wave

LONGEST_REASON = 2_000
NO_LABELS = "Not evaluated: the family does not say until which day there are labels."
NOBODY_ASKED = (
    "{family} needs no approval, so a proposal would promote at once. All of it is evaluated: look at what passes, "
    "and promote it."
)
CHAMPION = "champion"
FORGET_WORKERS_AFTER = timedelta(days=7)
BOOLEAN = BooleanField()
Status = SegmentRun.Status


def coordinate() -> None:
    """Rings `drive` for each request that is not over; what nobody rang for, or answered in time, is found here."""
    expire_requests()
    for request_id in RetrainingRequest.objects.open().order_by("id").values_list("pk", flat=True):
        ring("retraining.drive", request_id)
    for connection_id in connections_due():
        ring("retraining.attend", connection_id)
    Worker.objects.filter(seen_at__lt=Now() - FORGET_WORKERS_AFTER).delete()


@transaction.atomic
def drive(*, request_id: int) -> None:
    """One step of one request; does nothing while another drive is at it."""
    request = _taken(request_id)
    if request is None:
        return
    if request.is_open:
        _step(request)
    if not request.is_open and request.followed_up_at is None:
        ring("retraining.follow_up", request.pk)


@transaction.atomic
def follow_up(*, request_id: int) -> None:
    """What comes after a request is over: its versions are evaluated, then proposed, as its pipeline says.

    Apart from the end, which stands already. What is not possible yet is tried again with the next ring.
    """
    request = _taken(request_id)
    if request is None or request.is_open or request.followed_up_at is not None:
        return
    done = FOLLOW_UPS[request.plan["after_success"]](request)
    if done is not None:
        fields = {"follow_up_note": done.note, "wave": done.wave, "followed_up_at": Now()}
        RetrainingRequest.objects.filter(pk=request.pk).update(**fields)


def _taken(request_id: int) -> RetrainingRequest | None:
    """The request, unless another drive is at it, or it waits for somebody's approval."""
    requests = RetrainingRequest.objects.select_related("family__team", "requester").annotate(now=Now())
    free = requests.select_for_update(of=("self",), skip_locked=True, no_key=True).filter(pk=request_id)
    return free.exclude(status=RetrainingRequest.Status.WAITING_FOR_APPROVAL).first()


def _step(request: Any) -> None:
    if request.status == RetrainingRequest.Status.SUBMITTED:
        move(request, RetrainingRequest.Status.RUNNING, started_at=Now())
    runs = [fanout.OpenRun(**row) for row in _open_runs(request)]
    canaries = _canaries(request)
    held = request.is_held or _hold(request, runs, canaries)
    plan = fanout.plan(runs, request.now, _limits(request), canaries=canaries, held=held)
    _carry_out(request, plan)
    for batch in fanout.batches([*plan.send, *plan.resend]):
        if _is_outside(request):
            ring("retraining.hand_over", batch)
        else:
            ring("retraining.train", batch, request.pk)
    if plan.finish:
        _finish(request)


def _open_runs(request: RetrainingRequest) -> Any:
    fields = ("id", "status", "sends", "sent_at", "not_before", "lease_until")
    stopping = Q(cancel_requested_at__isnull=False) | Q(request__cancel_requested_at__isnull=False)
    computed = {
        "tries": F("attempt") - F("attempts_forgiven"),
        "cancelling": ExpressionWrapper(stopping, BOOLEAN),
        "behind": _behind(request),
        "outside": Value(_is_outside(request)),
    }
    return request.runs.open().order_by("id").values(*fields, **computed)


def _is_outside(request: RetrainingRequest) -> bool:
    """A platform runs it, not a worker of ours."""
    return bool(request.plan.get("connection_id"))


def _behind(request: RetrainingRequest) -> Any:
    """Whether an earlier request still has an open run of the same segment, where the pipeline says to queue."""
    if request.plan.get("overlap") != Pipeline.Overlap.QUEUE:
        return Value(False)
    earlier = SegmentRun.objects.open().filter(
        segment=OuterRef("segment"), request__family=request.family_id, request__lt=request.pk
    )
    return Exists(earlier)


def _canaries(request: RetrainingRequest) -> list[int]:
    return list(request.runs.order_by("id").values_list("pk", flat=True)[: request.plan.get("canary", 0)])


def _hold(request: RetrainingRequest, runs: Sequence[fanout.OpenRun], canaries: Sequence[int]) -> bool:
    """Holds a request that would only fail again and again; whoever resumes it starts the count anew."""
    if all(run.status == "running" or run.cancelling for run in runs):
        return False
    why = fanout.why_to_hold(_ended(request), stop_after=request.plan.get("stop_after", 0), canaries=canaries)
    if why:
        RetrainingRequest.objects.filter(pk=request.pk).update(held_at=Now(), held_because=why)
    return bool(why)


def _ended(request: RetrainingRequest) -> list[fanout.Ended]:
    """The newest first; as many as a decision looks at."""
    ended = request.runs.exclude(status__in=OPEN_RUNS).exclude(status=Status.CANCELLED)
    if request.resumed_at:
        ended = ended.filter(finished_at__gt=request.resumed_at)
    looked_at = request.plan.get("stop_after", 0) + request.plan.get("canary", 0)
    rows = ended.order_by("-finished_at", "-id").values_list("id", "status", "cause", "reason", "segment__name")
    return [fanout.Ended(*row) for row in rows[:looked_at]]


def _limits(request: RetrainingRequest) -> fanout.Limits:
    """Under the pipeline's lock, and the team's, so that two requests do not both take the last free places."""
    pipeline = Pipeline.objects.select_for_update(no_key=True).get(pk=request.pipeline_id)
    busy = SegmentRun.objects.on_their_way()
    room = pipeline.max_concurrent - busy.filter(request__pipeline=pipeline).count()
    quota = TeamQuota.objects.select_for_update(no_key=True).filter(team=request.family.team_id).first()
    if quota:
        room = min(room, quota.max_concurrent - busy.filter(request__family__team=quota.team_id).count())
    return fanout.Limits(
        room=room,
        max_tries=request.plan["max_attempts"],
        resend_after=timedelta(seconds=settings.RETRAINING_RESEND_SECONDS),
    )


def _carry_out(request: RetrainingRequest, plan: fanout.Plan) -> None:
    sent = {"status": Status.SENT, "sent_at": Now(), "sends": F("sends") + 1}
    request.runs.filter(pk__in=plan.send, status=Status.WAITING).update(**sent)
    _free(request, plan.resend, Status.SENT).update(**sent)
    _free(request, plan.recall, Status.SENT).update(status=Status.WAITING, sent_at=None, sends=0)
    _free(request, plan.cancel, Status.WAITING, Status.SENT).update(
        status=Status.CANCELLED, finished_at=Now(), not_before=None, cause="cancelled"
    )
    for run_id in (*plan.retry, *plan.give_up, *plan.cancel):
        take_back(run_id=run_id, cancelling=run_id in plan.cancel)


def _free(request: RetrainingRequest, ids: Sequence[int], *statuses: str) -> SegmentRunQuerySet:
    """Those that no worker is just claiming: a drive waits for nobody."""
    free = request.runs.filter(pk__in=ids, status__in=statuses).select_for_update(no_key=True, skip_locked=True)
    return request.runs.filter(pk__in=list(free.values_list("pk", flat=True)))


def _finish(request: RetrainingRequest) -> None:
    """Commits the end alone; a run that came back to life meanwhile keeps the request open."""
    counts = dict(request.runs.order_by().values_list("status").annotate(Count("id")))
    if any(counts.get(status) for status in OPEN_RUNS):
        return
    end = fanout.end_of(counts, cancelled=request.cancel_requested_at is not None)
    move(request, end, finished_at=Now(), held_at=None, held_because="")


@dataclass(frozen=True)
class FollowedUp:
    """What came of it: a sentence where something was not possible, the wave where one was proposed."""

    note: str = ""
    wave: Wave | None = None


def _nothing(request: RetrainingRequest) -> FollowedUp:
    return FollowedUp()


def _evaluate(request: RetrainingRequest) -> FollowedUp:
    """Asks for the evaluations; says why where that is not possible."""
    versions = _versions_of(request)
    window = registry_queries.newest_window(request.family)
    if not versions or window is None:
        return FollowedUp(NO_LABELS if versions else "")
    try:
        with transaction.atomic():
            registry.request_evaluations(
                actor=request.requester,
                family=request.family,
                candidates=versions,
                window_first=window.first,
                window_last=window.last,
            )
    except PortalError as error:
        return FollowedUp(error.message)
    return FollowedUp()


def _propose(request: RetrainingRequest) -> FollowedUp | None:
    """A proposal waits for somebody's word; where the family asks nobody's, it would move champions at once."""
    return _once_evaluated(request, _proposed if request.family.approvals_for(CHAMPION) else _left_to_people)


def _promote(request: RetrainingRequest) -> FollowedUp | None:
    """By the ordinary proposal: it moves champions at once, or once those have approved whom the family asks."""
    return _once_evaluated(request, _proposed)


def _once_evaluated(
    request: RetrainingRequest, then: Callable[[RetrainingRequest, Sequence[ModelVersion]], FollowedUp]
) -> FollowedUp | None:
    """Evaluates, and goes on when all of that is over; None as long as it is not."""
    versions = _versions_of(request)
    counts = queries.evaluations(request)
    if counts.open:
        return None
    if counts.ended < len(versions):
        asked = _evaluate(request)
        return asked if asked.note else None
    return then(request, versions) if versions else FollowedUp()


def _left_to_people(request: RetrainingRequest, versions: Sequence[ModelVersion]) -> FollowedUp:
    return FollowedUp(NOBODY_ASKED.format(family=request.family))


def _proposed(request: RetrainingRequest, versions: Sequence[ModelVersion]) -> FollowedUp:
    reason = f"Retrained by request #{request.pk}. {request.reason}".strip()
    try:
        with transaction.atomic():
            wave = registry.propose(
                actor=request.requester,
                family=request.family,
                versions=versions,
                reason=reason[:LONGEST_REASON],
                key=f"request-{request.pk}-{max(version.pk for version in versions)}",
            )
    except PortalError as error:
        return FollowedUp(error.message)
    return FollowedUp(wave=wave)


def _versions_of(request: RetrainingRequest) -> list[ModelVersion]:
    made = request.runs.filter(status=Status.SUCCEEDED).select_related("version__model__family__team")
    return [run.version for run in made if run.version]


FOLLOW_UPS: dict[str, Callable[[RetrainingRequest], FollowedUp | None]] = {
    Pipeline.AfterSuccess.NOTHING: _nothing,
    Pipeline.AfterSuccess.EVALUATE: _evaluate,
    Pipeline.AfterSuccess.PROPOSE: _propose,
    Pipeline.AfterSuccess.PROMOTE: _promote,
}
"""By what the plan says comes after success."""
