"""Tokens for training code that runs on a platform: asked for from there, by an account that the platform keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit.actions import record
from apps.core.errors import Conflict, Missing
from apps.core.permissions import allowed, require
from apps.retraining.actions.attempts import run_token
from apps.retraining.events import Event
from apps.retraining.models import SegmentRun
from apps.retraining.queries import segment_runs

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class Lent:
    """What plain MLflow needs beside the portal's address: `MLFLOW_RUN_ID` and `MLFLOW_TRACKING_TOKEN`."""

    run_id: str
    token: str = field(repr=False)


@transaction.atomic
def lend_run_token(*, actor: User, key: str) -> Lent:
    """A token for the run that a platform knows by this key; it ends with the attempt.

    May be asked for again: a task that the platform starts anew needs one, too. Raises Missing for a key that names
    nothing open, Conflict for a run that somebody wants ended.
    """
    run = _open_run(actor, key)
    require(actor, "retraining.log_run", run)
    if run.is_stopping:
        raise Conflict("This run is being cancelled: there is nothing more to log.")
    token = run_token(run=run)
    record(actor=actor, action=Event.RUN_TOKEN_LENT, target=run, after={"attempt": run.attempt})
    return Lent(str(run.run_id), token)


def _open_run(actor: User, key: str) -> SegmentRun:
    """Locked, so that no token outlives an end that happens at the same moment."""
    runs = SegmentRun.objects.select_related("segment", "request__family__team", "request__requester")
    held = runs.filter(
        status=SegmentRun.Status.RUNNING,
        attempts__outside_id=key,
        attempts__ended_at=None,
        attempts__connection__isnull=False,
    )
    found = held.select_for_update(of=("self",), no_key=True).first() if key and "\0" not in key else None
    if found is None or not _knows(actor, found):
        raise Missing("No open run is known by this key: it has ended, was begun anew, or never was the portal's.")
    return found


def _knows(actor: User, run: SegmentRun) -> bool:
    """Works for it, as an operator's account does for families that it may not read, or sees it."""
    return allowed(actor, "retraining.log_run", run) or segment_runs(actor).filter(pk=run.pk).exists()
