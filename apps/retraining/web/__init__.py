"""Pages of retraining."""

from apps.retraining.web.new import choose, new
from apps.retraining.web.operations import operations
from apps.retraining.web.requests import cancel, request_page, requests, retry
from apps.retraining.web.runs import retry_one, run_page

__all__ = ["cancel", "choose", "new", "operations", "request_page", "requests", "retry", "retry_one", "run_page"]
