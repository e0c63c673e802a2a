"""Pages of retraining."""

from apps.retraining.web.new import choose, new
from apps.retraining.web.operations import drain, operations, set_quota, undrain
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
from apps.retraining.web.runs import retry_one, run_page

__all__ = [
    "cancel",
    "cancel_segments",
    "choose",
    "close_incident",
    "dismiss",
    "drain",
    "edit_policy",
    "hold",
    "new",
    "new_policy",
    "operations",
    "pause",
    "policies",
    "policy",
    "request_page",
    "requests",
    "resume",
    "retry",
    "retry_one",
    "run_page",
    "set_aside",
    "set_quota",
    "signals",
    "take",
    "undrain",
    "unpause",
]
