"""Verbs of retraining: what people decide, and what the engine notes while it works."""

from apps.retraining.actions.attempts import Claim, claim, finish, refuse, renew
from apps.retraining.actions.fan_out import coordinate, drive, follow_up
from apps.retraining.actions.pipelines import define_pipeline
from apps.retraining.actions.requests import cancel_request, retry_failed, retry_run, submit_request
from apps.retraining.actions.workers import WorkerReport, note_worker, note_worker_stopped

__all__ = [
    "Claim",
    "WorkerReport",
    "cancel_request",
    "claim",
    "coordinate",
    "define_pipeline",
    "drive",
    "finish",
    "follow_up",
    "note_worker",
    "note_worker_stopped",
    "refuse",
    "renew",
    "retry_failed",
    "retry_run",
    "submit_request",
]
