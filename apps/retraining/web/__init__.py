"""Pages of retraining."""

from apps.retraining.web.approving import approve_request, reject_request, withdraw_request
from apps.retraining.web.new import choose, new
from apps.retraining.web.operations import drain, operations, retry_recent, set_quota, undrain
from apps.retraining.web.pipelines import edit_pipeline, new_pipeline, pipeline, pipeline_file, pipelines
from apps.retraining.web.policies import (
    close_incident,
    dismiss,
    edit_policy,
    new_policy,
    pause,
    policies,
    policy,
    set_aside,
    signals,
    take,
    unpause,
)
from apps.retraining.web.requests import cancel, cancel_segments, hold, request_page, requests, resume, retry
from apps.retraining.web.runs import retry_one, run_log, run_page

__all__ = [
    "approve_request",
    "cancel",
    "cancel_segments",
    "choose",
    "close_incident",
    "dismiss",
    "drain",
    "edit_pipeline",
    "edit_policy",
    "hold",
    "new",
    "new_pipeline",
    "new_policy",
    "operations",
    "pause",
    "pipeline",
    "pipeline_file",
    "pipelines",
    "policies",
    "policy",
    "reject_request",
    "request_page",
    "requests",
    "resume",
    "retry",
    "retry_one",
    "retry_recent",
    "run_log",
    "run_page",
    "set_aside",
    "set_quota",
    "signals",
    "take",
    "undrain",
    "unpause",
    "withdraw_request",
]
