"""Audit words of retraining."""

from apps.audit.words import Word


class Event(Word):
    PIPELINE_DEFINED = "retraining.pipeline_defined", "defined the pipeline {target}"
    REQUEST_SUBMITTED = "retraining.request_submitted", "requested {target}"
    REQUEST_CANCELLED = "retraining.request_cancelled", "cancelled {target}"
    RUNS_CANCELLED = "retraining.runs_cancelled", "cancelled segments of {target}"
    REQUEST_HELD = "retraining.request_held", "held {target}"
    REQUEST_RESUMED = "retraining.request_resumed", "resumed {target}"
    FAILED_RETRIED = "retraining.failed_retried", "retried what failed in {target}"
    RUN_RETRIED = "retraining.run_retried", "retried {target}"
    QUOTA_SET = "retraining.quota_set", "set {target}"
    QUOTA_REMOVED = "retraining.quota_removed", "removed {target}"
    WORKER_DRAINED = "retraining.worker_drained", "drained {target}"
    WORKER_UNDRAINED = "retraining.worker_undrained", "put {target} back to work"
    INCIDENT_OPENED = "retraining.incident_opened", "saw the beginning of {target}"
    INCIDENT_CLOSED = "retraining.incident_closed", "closed {target}"
    SIGNAL_SET_ASIDE = "retraining.signal_set_aside", "set {target} aside"
    POLICY_SET = "retraining.policy_set", "set {target}"
    POLICY_PAUSED = "retraining.policy_paused", "paused {target}"
    POLICY_RESUMED = "retraining.policy_resumed", "resumed {target}"
    SUGGESTION_TAKEN = "retraining.suggestion_taken", "took a suggestion of {target}"
    SUGGESTION_DISMISSED = "retraining.suggestion_dismissed", "dismissed a suggestion of {target}"
