"""Audit words of the registry."""

from apps.audit.words import Word


class Event(Word):
    FAMILY_CREATED = "registry.family_created", "created the model family {target}"
    FAMILY_UPDATED = "registry.family_updated", "changed the settings of {target}"
    SEGMENTS_ADDED = "registry.segments_added", "added segments to {target}"
    GATES_SET = "registry.gates_set", "set the gates of {target}"
    LABELLED_UNTIL = "registry.labelled_until", "noted newer labels of {target}"
    VERSION_REGISTERED = "registry.version_registered", "registered {target}"
    VERSION_DESCRIBED = "registry.version_described", "described {target}"
    EVALUATIONS_REQUESTED = "registry.evaluations_requested", "asked to evaluate {target}"
    WAVE_PROPOSED = "registry.wave_proposed", "proposed {target}"
    WAVE_APPROVED = "registry.wave_approved", "approved {target}"
    WAVE_REJECTED = "registry.wave_rejected", "rejected {target}"
    WAVE_WITHDRAWN = "registry.wave_withdrawn", "withdrew {target}"
    WAVE_EXPIRED = "registry.wave_expired", "let {target} expire"
    PROMOTED = "registry.promoted", "promoted {target}"
    SUPERSEDED = "registry.superseded", "saw {target} superseded"
    ROLLED_BACK = "registry.rolled_back", "rolled back to {target}"
