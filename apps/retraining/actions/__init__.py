"""Verbs of retraining: what people decide, and what the engine notes while it works."""

from apps.retraining.actions.attempts import Claim, claim, finish, refuse, renew
from apps.retraining.actions.fan_out import coordinate, drive, follow_up
from apps.retraining.actions.pipelines import define_pipeline
from apps.retraining.actions.quotas import set_team_quota
from apps.retraining.actions.requests import submit_request
from apps.retraining.actions.steering import (
    cancel_request,
    cancel_runs,
    hold_request,
    resume_request,
    retry_failed,
    retry_run,
)
from apps.retraining.actions.workers import (
    WorkerReport,
    drain_worker,
    note_worker,
    note_worker_stopped,
    undrain_worker,
)

__all__ = [
    "Claim",
    "WorkerReport",
    "cancel_request",
    "cancel_runs",
    "claim",
    "coordinate",
    "define_pipeline",
    "drain_worker",
    "drive",
    "finish",
    "follow_up",
    "hold_request",
    "note_worker",
    "note_worker_stopped",
    "refuse",
    "renew",
    "resume_request",
    "retry_failed",
    "retry_run",
    "set_team_quota",
    "submit_request",
    "undrain_worker",
]
