"""Audit words of tracking."""

from apps.audit.words import Word


class Event(Word):
    EXPERIMENT_CREATED = "tracking.experiment_created", "started the experiment {target}"
    EXPERIMENT_RESTRICTED = "tracking.experiment_restricted", "restricted the experiment {target} to its team"
    EXPERIMENT_MOVED = "tracking.experiment_moved", "gave the experiment {target} to another team"
    EXPERIMENT_RENAMED = "tracking.experiment_renamed", "renamed the experiment {target}"
    EXPERIMENT_DELETED = "tracking.experiment_deleted", "deleted the experiment {target}"
    EXPERIMENT_RESTORED = "tracking.experiment_restored", "restored the experiment {target}"
    RUN_DELETED = "tracking.run_deleted", "deleted the run {target}"
    RUN_RESTORED = "tracking.run_restored", "restored the run {target}"
