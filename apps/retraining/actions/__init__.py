"""Verbs of retraining: what people decide, and what the engine notes while it works."""

from apps.retraining.actions.approving import approve_request, expire_requests, reject_request, withdraw_request
from apps.retraining.actions.attempts import Claim, claim, finish, refuse, renew
from apps.retraining.actions.discovery import discover_usage
from apps.retraining.actions.fan_out import coordinate, drive, follow_up
from apps.retraining.actions.firing import watch_policies
from apps.retraining.actions.lending import Lent, lend_run_token
from apps.retraining.actions.outside import (
    note_accepted,
    note_end_asked,
    note_log,
    note_state,
    note_unchanged,
    put_off,
    take_due,
)
from apps.retraining.actions.pipelines import (
    NotTaken,
    Pushed,
    define_pipeline,
    note_workflow,
    push_pipelines,
    put_pipeline,
    refresh_form,
)
from apps.retraining.actions.policies import (
    PolicyTerms,
    dismiss_suggestion,
    pause_policy,
    resume_policy,
    set_policy,
    take_suggestion,
)
from apps.retraining.actions.quotas import set_team_quota
from apps.retraining.actions.requests import submit_request
from apps.retraining.actions.signals import close_incident, receive_signal, set_signal_aside, settle_signals
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
    "Lent",
    "NotTaken",
    "PolicyTerms",
    "Pushed",
    "WorkerReport",
    "approve_request",
    "cancel_request",
    "cancel_runs",
    "claim",
    "close_incident",
    "coordinate",
    "define_pipeline",
    "discover_usage",
    "dismiss_suggestion",
    "drain_worker",
    "drive",
    "expire_requests",
    "finish",
    "follow_up",
    "hold_request",
    "lend_run_token",
    "note_accepted",
    "note_end_asked",
    "note_log",
    "note_state",
    "note_unchanged",
    "note_worker",
    "note_worker_stopped",
    "note_workflow",
    "pause_policy",
    "push_pipelines",
    "put_off",
    "put_pipeline",
    "receive_signal",
    "refresh_form",
    "refuse",
    "reject_request",
    "renew",
    "resume_policy",
    "resume_request",
    "retry_failed",
    "retry_run",
    "set_policy",
    "set_signal_aside",
    "set_team_quota",
    "settle_signals",
    "submit_request",
    "take_due",
    "take_suggestion",
    "undrain_worker",
    "watch_policies",
    "withdraw_request",
]
