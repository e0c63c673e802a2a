"""Pages of retraining."""

from apps.retraining.web.new import choose, new
from apps.retraining.web.operations import drain, operations, set_quota, undrain
from apps.retraining.web.requests import cancel, cancel_segments, hold, request_page, requests, resume, retry
from apps.retraining.web.runs import retry_one, run_page

__all__ = [
    "cancel",
    "cancel_segments",
    "choose",
    "drain",
    "hold",
    "new",
    "operations",
    "request_page",
    "requests",
    "resume",
    "retry",
    "retry_one",
    "run_page",
    "set_quota",
    "undrain",
]
