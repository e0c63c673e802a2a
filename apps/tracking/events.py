"""Audit words of tracking."""

from apps.audit.words import Word


class Event(Word):
    EXPERIMENT_CREATED = "tracking.experiment_created", "started the experiment {target}"
    EXPERIMENT_RESTRICTED = "tracking.experiment_restricted", "restricted the experiment {target} to its team"
