"""Audit words of retraining."""

from apps.audit.words import Word


class Event(Word):
    PIPELINE_DEFINED = "retraining.pipeline_defined", "defined the pipeline {target}"
    REQUEST_SUBMITTED = "retraining.request_submitted", "requested {target}"
    REQUEST_CANCELLED = "retraining.request_cancelled", "cancelled {target}"
    FAILED_RETRIED = "retraining.failed_retried", "retried what failed in {target}"
    RUN_RETRIED = "retraining.run_retried", "retried {target}"
