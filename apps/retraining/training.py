"""One segment run from claim to result, on the worker that trains it; between the Celery door and the actions."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from apps.core.errors import PortalError
from apps.platforms.base import Continue, End, Isolation, Limits, Outcome, Progress, Runner, Work
from apps.platforms.local import LocalRunner, isolation
from apps.retraining import actions
from apps.retraining.definitions import below, program

log = structlog.get_logger(__name__)
LONGEST_SILENCE = 600.0  # seconds in which libraries load or files are stored; a thread that hangs is given up then
DATABASE_AWAY = (OperationalError, InterfaceError)


def train(run_id: int, *, worker: str, runner: Runner | None = None) -> bool:
    """Claims the run and brings it to its end; False if somebody else has it or it is over."""
    claim = _claim(run_id, worker)
    if claim is None:
        return False
    work, heartbeat, runner = work_of(claim), Heartbeat(claim), runner or default_runner()
    try:
        with heartbeat.kept_up():
            _hand_in(claim, _run(runner, work, heartbeat))
    finally:
        runner.discard(work)
    return True


def work_of(claim: actions.Claim) -> Work:
    plan = claim.plan
    return Work(
        key=claim.key,
        script=program(settings.PIPELINES_DIR, plan["script"], plan.get("command", ())),
        command=tuple(plan.get("command", ())),
        params=plan["parameters"],
        segment=claim.segment,
        data=below(settings.PIPELINES_DATA, plan["data"], field="data") if plan["data"] else None,
        limits=Limits(
            seconds=plan["seconds"],
            memory_mb=plan["memory_mb"],
            log_bytes=settings.RETRAINING_LOG_BYTES,
            output_bytes=settings.RETRAINING_OUTPUT_BYTES,
        ),
        preload=tuple(plan["preload"]),
        env=_tracking(claim) | (_let_through() if plan.get("command") else {}),
    )


def _let_through() -> dict[str, str]:
    """What commands may see of this worker's own environment: what the settings name, and nothing else."""
    return {name: os.environ[name] for name in settings.PIPELINE_COMMAND_ENVIRONMENT if name in os.environ}


def _tracking(claim: actions.Claim) -> dict[str, str]:
    """What plain MLflow needs to log into the run that is open already; nothing where workers know no address."""
    if not settings.TRACKING_URL:
        return {"MLFLOW_RUN_ID": claim.tracking_run}
    return {
        "MLFLOW_TRACKING_URI": settings.TRACKING_URL,
        "MLFLOW_TRACKING_TOKEN": claim.token,
        "MLFLOW_RUN_ID": claim.tracking_run,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def training_isolation() -> Isolation:
    """Whether this worker runs training code as another operating-system user, or lacks a folder that it needs."""
    for folder in (settings.PIPELINES_DIR, settings.PIPELINES_DATA):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = f"{folder} is missing here and can not be made ({error.strerror})"
            return Isolation(on=False, because=f"{why}: mount it, then start the worker anew.")
    return isolation(scratch_root(), [settings.PIPELINES_DIR, settings.PIPELINES_DATA])


class Heartbeat:
    """Renews the lease at each beat. A database that is away for a moment ends nothing, as long as the lease holds."""

    def __init__(self, claim: actions.Claim) -> None:
        self._claim = claim
        self._held_until = _lease_from_now()
        self._beat_at = time.monotonic()
        self._unsaid = ""  # log lines that could not be written yet

    def __call__(self, progress: Progress) -> Continue:
        self._beat_at = time.monotonic()
        said = Progress(progress.fraction, progress.message, self._unsaid + progress.log)
        try:
            answer = actions.renew(claim=self._claim, progress=said)
        except DATABASE_AWAY:
            connection.close()
            self._unsaid = said.log[-settings.RETRAINING_LOG_BYTES :]
            return Continue.GO if time.monotonic() < self._held_until else Continue.LOST
        self._unsaid, self._held_until = "", _lease_from_now()
        return answer

    @contextmanager
    def kept_up(self) -> Iterator[None]:
        """Where nothing beats, before the script starts and after it has ended, a thread does."""
        over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(over,), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def _keep(self, over: threading.Event) -> None:
        every = settings.RETRAINING_HEARTBEAT_SECONDS
        until = time.monotonic() + LONGEST_SILENCE
        while not over.wait(every) and time.monotonic() < until:
            if time.monotonic() - self._beat_at > 2 * every:
                self._renew_in_silence()
            else:
                until = time.monotonic() + LONGEST_SILENCE
        connection.close()

    def _renew_in_silence(self) -> None:
        try:
            actions.renew(claim=self._claim, progress=Progress(None, "", ""))
        except DATABASE_AWAY:
            connection.close()


@cache
def default_runner() -> LocalRunner:
    """One per process: its warm parents make a run cheap."""
    return LocalRunner(scratch_root(), beat_every=settings.RETRAINING_HEARTBEAT_SECONDS)


def scratch_root() -> Path:
    return Path(settings.VAR_DIR) / "scratch"


def _claim(run_id: int, worker: str) -> actions.Claim | None:
    try:
        return actions.claim(run_id=run_id, worker=worker)
    except PortalError as error:
        actions.refuse(run_id=run_id, reason=error.message)
        return None


def _run(runner: Runner, work: Work, beat: Callable[[Progress], Continue]) -> Outcome:
    """Whatever the script does is an outcome; what the portal itself breaks is one too, and may be tried again."""
    if work.command and not settings.PIPELINE_COMMANDS:
        return Outcome(End.FAILED, "refused", "Commands are switched off on this worker.", 0.0, {}, "")
    try:
        return runner.run(work, beat)
    except Exception as error:
        log.exception("retraining.run_broke", key=work.key)
        reason = f"The portal failed while it ran this ({type(error).__name__}); its log has the details."
        return Outcome(End.FAILED, "portal", reason, 0.0, {}, "")


def _hand_in(claim: actions.Claim, outcome: Outcome) -> None:
    """Stands out a database that is away, for as long as the lease may hold."""
    give_up = _lease_from_now()
    while True:
        try:
            actions.finish(claim=claim, outcome=outcome)
        except DATABASE_AWAY:
            connection.close()
            if time.monotonic() > give_up:
                raise
            time.sleep(0.5)
        else:
            return


def _lease_from_now() -> float:
    """On this process's own clock, which only measures how long ago the last renewal was."""
    return time.monotonic() + settings.RETRAINING_LEASE_SECONDS
