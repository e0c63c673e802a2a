"""What a worker does to the segment run it holds: claim it, renew the lease, hand in the result.

The attempt number is the fencing token: whoever lost the lease and comes back late changes nothing. Evidence, so
nothing is asked and nothing audited: it all happens in the name of who sent the request.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Now, Right

from apps.accounts.actions import create_run_token, end_run_token
from apps.artifacts.actions import add_files
from apps.core.errors import PortalError, Unavailable
from apps.core.transitions import move
from apps.platforms.base import Continue, End, Outcome, Progress
from apps.registry.actions import register_version
from apps.retraining.fanout import may_retry, pause_before_retry
from apps.retraining.holds import Hold
from apps.retraining.models import LOG_CHARACTERS, Attempt, LibrarySet, SegmentRun, SegmentRunQuerySet
from apps.retraining.plans import training_window
from apps.retraining.results import METRICS, metrics_of
from apps.tracking.actions import close_run, ensure_experiment, log_metrics, log_params, open_run
from apps.tracking.queries import reported

if TYPE_CHECKING:
    from apps.registry.models import ModelVersion
    from apps.tracking.models import Run

log = structlog.get_logger(__name__)
TOKEN_SLACK_SECONDS = 600.0  # libraries load before a script's time begins, and files are stored after it
HAND_OVER = timedelta(seconds=60)
"""Whoever hands an attempt over, or looks after it, has this long; then somebody else does."""
KEPT_CAUSES = ("exit", "timeout")
"""Ends after which the platform still has the attempt, and can run again what failed of it."""
LONGEST_PARAM = 6_000  # characters that tracking keeps of a value
Status = SegmentRun.Status
ENDS = {
    End.SUCCEEDED: (Status.SUCCEEDED, "FINISHED"),
    End.NO_DATA: (Status.NO_DATA, "FINISHED"),
    End.FAILED: (Status.FAILED, "FAILED"),
    End.LOST: (Status.FAILED, "KILLED"),
    End.CANCELLED: (Status.CANCELLED, "KILLED"),
}
"""How an outcome ends the segment run and its tracking run."""


@dataclass(frozen=True)
class Claim(Hold):
    """One worker's hold of one attempt, with everything it needs to train."""

    request_id: int
    key: str  # names the attempt everywhere
    segment: str
    plan: Mapping[str, Any]
    tracking_run: str
    token: str  # of this run alone; nobody can read it again. Empty where a platform runs it, which asks for one


@transaction.atomic
def claim(*, run_id: int, worker: str) -> Claim | None:
    """Takes a sent run for this worker, or None: somebody else has it, it is over, or it is being cancelled.

    Raises PortalError when the requester may no longer train for the family.
    """
    run = _locked_if_free(pk=run_id, status=Status.SENT)
    if run is None or run.is_stopping or run.request.is_held:
        return None
    number = run.attempt + 1
    abroad = "connection_id" in run.request.plan
    evidence = _open_tracking(run, number)
    move(
        run,
        Status.RUNNING,
        attempt=number,
        worker=worker,
        run=evidence,
        lease_until=Now() + HAND_OVER if abroad else _lease(),
        heartbeat_at=Now(),
        started_at=Now(),
        **_blank(),
    )
    plan = run.request.plan
    outside = {"connection_id": plan["connection_id"], "outside_id": _outside_id(run, number)} if abroad else {}
    Attempt.objects.create(segment_run=run, number=number, worker=worker, run=evidence, **outside)
    token = "" if abroad else run_token(run=run)
    key = f"{run.uuid}-{number}"
    return Claim(run.pk, number, run.request_id, key, run.segment.slug, plan, evidence.pk, token)


@transaction.atomic
def refuse(*, run_id: int, reason: str) -> None:
    """A sent run that can not even be started fails with the sentence that says why."""
    run = _locked(pk=run_id, status=Status.SENT)
    if run is not None:
        move(run, Status.FAILED, cause="refused", reason=reason, finished_at=Now())


def renew(*, claim: Claim, progress: Progress) -> Continue:
    """Heartbeat: keeps the lease and the newest words of the script; tells whether to go on."""
    held = SegmentRun.objects.filter(pk=claim.run_id, attempt=claim.attempt, status=Status.RUNNING)
    if not held.update(lease_until=_lease(), heartbeat_at=Now(), **_news(progress)):
        return Continue.LOST
    wished = Q(cancel_requested_at__isnull=False) | Q(request__cancel_requested_at__isnull=False)
    return Continue.CANCEL if SegmentRun.objects.filter(wished, pk=claim.run_id).exists() else Continue.GO


def finish(*, claim: Hold, outcome: Outcome) -> bool:
    """Hands in a result; False if it came too late and was not taken.

    Files are stored first: a result is only taken with everything it consists of. Then the run's end, its version
    and its attempt's end are one transaction.
    """
    attempts = Attempt.objects.select_related("run__experiment__team", "run__tree", "run__user")
    attempt = attempts.get(segment_run=claim.run_id, number=claim.attempt)
    outcome, metrics = _stored(attempt.run, outcome)
    try:
        taken = _end(claim, attempt, outcome, metrics)
    except PortalError as refused:
        if outcome.end is not End.SUCCEEDED:
            raise
        reason = f"It was trained, but the version was refused: {refused.message}"
        return finish(claim=claim, outcome=_failed(outcome, "registry", reason))
    if not taken:
        _note_late(attempt, outcome)
    return taken


@transaction.atomic
def take_back(*, run_id: int, cancelling: bool = False) -> None:
    """A run whose lease ran out waits for its next try, or ends when there is none; a renewed one is left alone."""
    run = _locked_if_free(pk=run_id, status=Status.RUNNING, lease_until__lt=Now())
    if run is None:
        return
    attempt = Attempt.objects.select_related("run__user").get(segment_run=run, number=run.attempt)
    reason = f"The worker {run.worker} went away."
    lost = Outcome(End.CANCELLED if cancelling else End.LOST, "lost", reason, 0.0, {}, run.log)
    _conclude(run, attempt, lost, {})


def run_token(*, run: SegmentRun) -> str:
    """The secret of a token of the run's newest attempt, which lives as long as that may."""
    seconds = run.request.plan["seconds"] + TOKEN_SLACK_SECONDS
    return create_run_token(actor=run.request.requester, run=str(run.run_id), seconds=seconds)


def close_tracking(*, run: "Run", status: str) -> None:
    """Evidence only: that a requester has left must not hold up the engine."""
    try:
        with transaction.atomic():
            close_run(actor=run.user, run=run, status=status)
    except PortalError as error:
        log.warning("retraining.tracking_run_stays_open", run=run.pk, error=error.message)


def _locked(**conditions: Any) -> SegmentRun | None:
    """The run, locked, if it still is as the conditions say once the lock is there."""
    return _with_request().select_for_update(of=("self",), no_key=True).filter(**conditions).first()


def _locked_if_free(**conditions: Any) -> SegmentRun | None:
    """Without waiting: whoever holds the lock is doing something with the run, or was frozen while doing it."""
    runs = _with_request().select_for_update(of=("self",), no_key=True, skip_locked=True)
    return runs.filter(**conditions).first()


def _with_request() -> SegmentRunQuerySet:
    return SegmentRun.objects.select_related("segment", "request__family__team", "request__requester")


def _lease() -> Any:
    return Now() + timedelta(seconds=settings.RETRAINING_LEASE_SECONDS)


def _blank() -> dict[str, Any]:
    """Nothing of an earlier attempt is shown as if it were this one's."""
    words = dict.fromkeys(("message", "log", "cause", "reason"), "")
    return words | {"progress": None, "not_before": None, "sends": 0, "libraries": None, "log_cut_at": None}


def _open_tracking(run: SegmentRun, number: int) -> "Run":
    request = run.request
    actor, family = request.requester, request.family
    experiment = ensure_experiment(actor=actor, name=family.experiment, team=family.team, visibility=family.visibility)
    tags = {
        "portal.request": str(request.pk),
        "portal.segment_run": str(run.uuid),
        "portal.attempt": str(number),
        "portal.family": request.family.slug,
        "portal.segment": run.segment.slug,
        "portal.pipeline": f"{request.plan['pipeline']} v{request.plan['version']}",
        **_place(request.plan),
    }
    opened = open_run(actor=actor, experiment=experiment, name=f"{run.segment.slug} #{request.pk}", tags=tags)
    log_params(actor=actor, run=opened, params={name: _text(value) for name, value in request.parameters.items()})
    return opened


def _place(plan: Mapping[str, Any]) -> dict[str, str]:
    if "connection_id" in plan:
        return {"portal.connection": plan["connection"], "portal.workflow": plan["workflow"]}
    return {"portal.script_sha256": plan["script_sha256"]}


def _outside_id(run: SegmentRun, number: int) -> str:
    """Written down before the platform hears of it, and no one's guess. What failed there runs again under its id."""
    last = run.attempts.order_by("-number").first()
    if last is not None and last.outside_id and last.accepted_at and last.cause in KEPT_CAUSES:
        return last.outside_id
    return f"portal-{run.uuid}-{number}"


def _text(value: object) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:LONGEST_PARAM]


def _news(progress: Progress) -> dict[str, Any]:
    news: dict[str, Any] = {}
    if progress.fraction is not None:
        news["progress"] = progress.fraction
    if progress.message:
        news["message"] = progress.message[:300]
    if progress.log:
        news["log"] = Right(Concat(F("log"), Value(progress.log[-LOG_CHARACTERS:])), LOG_CHARACTERS)
    return news


def _stored(run: "Run", outcome: Outcome) -> tuple[Outcome, dict[str, float]]:
    """Puts the files into the store and reads the metrics; a success that can not be kept is a failure."""
    if outcome.end is not End.SUCCEEDED:
        return outcome, {}
    try:
        metrics = metrics_of(outcome.files) if METRICS in outcome.files or not reported(run) else {}
        add_files(tree=run.tree, files=outcome.files)
    except Unavailable as error:
        return _failed(outcome, "store", f"Its files could not be stored: {error.message}"), {}
    except PortalError as error:
        return _failed(outcome, "output", error.message), {}
    return outcome, metrics


def _failed(outcome: Outcome, cause: str, reason: str) -> Outcome:
    return replace(outcome, end=End.FAILED, cause=cause, reason=reason, files={})


@transaction.atomic
def _end(claim: Hold, attempt: Attempt, outcome: Outcome, metrics: Mapping[str, float]) -> bool:
    run = _locked(pk=claim.run_id, attempt=claim.attempt, status=Status.RUNNING)  # the fence
    if run is None:
        return False
    _conclude(run, attempt, outcome, metrics)
    return True


def _conclude(run: SegmentRun, attempt: Attempt, outcome: Outcome, metrics: Mapping[str, float]) -> None:
    """Under the run's lock: evidence, version, the run's move and the attempt's end."""
    status, tracking_status = ENDS[outcome.end]
    if metrics:
        log_metrics(actor=run.request.requester, run=attempt.run, metrics=metrics)
    version = _register(run, attempt) if status == Status.SUCCEEDED else None
    close_tracking(run=attempt.run, status=tracking_status)
    end_run_token(run=attempt.run.pk)
    if status == Status.FAILED and may_retry(outcome.cause, run.tries, run.request.plan["max_attempts"]):
        _wait_again(run, outcome)
    else:
        _settle(run, status, outcome, version)
    _close_attempt(attempt, outcome)


def _register(run: SegmentRun, attempt: Attempt) -> "ModelVersion":
    request = run.request
    window = training_window(request.plan["window"], request.parameters)
    return register_version(
        actor=request.requester,
        family=request.family,
        segment=run.segment,
        run=attempt.run,
        tree=attempt.run.tree,
        kind="trained",
        trained_from=window.first,
        trained_through=window.last,
        parameters=request.parameters,
        pipeline=request.plan["pipeline"],
        origin=run.origin,
    )


def _wait_again(run: SegmentRun, outcome: Outcome) -> None:
    pause = pause_before_retry(run.tries, run.pk, timedelta(seconds=settings.RETRAINING_BACKOFF_SECONDS))
    move(
        run,
        Status.WAITING,
        cause=outcome.cause,
        reason=outcome.reason,
        log=outcome.log or run.log,
        libraries=_libraries(outcome),
        lease_until=None,
        not_before=Now() + pause,
    )


def _settle(run: SegmentRun, status: str, outcome: Outcome, version: "ModelVersion | None") -> None:
    tried = f" It was tried {run.tries} times." if status == Status.FAILED and run.tries > 1 else ""
    move(
        run,
        status,
        cause=outcome.cause,
        reason=outcome.reason + tried,
        log=(outcome.log or run.log)[-LOG_CHARACTERS:],
        libraries=_libraries(outcome),
        lease_until=None,
        finished_at=Now(),
        version=version,
        progress=1.0 if status == Status.SUCCEEDED else run.progress,
    )


def _libraries(outcome: Outcome) -> LibrarySet | None:
    """What the script had loaded, kept once however many runs say the same; None where it is not known."""
    if not outcome.libraries:
        return None
    held = dict(sorted(outcome.libraries.items()))
    digest = sha256(json.dumps(held).encode()).hexdigest()
    return LibrarySet.objects.get_or_create(digest=digest, defaults={"distributions": held})[0]


def _close_attempt(attempt: Attempt, outcome: Outcome) -> None:
    open_attempt = Attempt.objects.filter(pk=attempt.pk)
    open_attempt.update(ended_at=Now(), end=outcome.end.value, cause=outcome.cause, reason=outcome.reason)


def _note_late(attempt: Attempt, outcome: Outcome) -> None:
    """The attempt's row tells that there was a result after all, and why nothing came of it."""
    if outcome.end in (End.LOST, End.CANCELLED):
        return
    note = f" Its result ({outcome.end.value}) came too late and was not taken."
    Attempt.objects.filter(pk=attempt.pk).update(reason=Concat(F("reason"), Value(note)))
