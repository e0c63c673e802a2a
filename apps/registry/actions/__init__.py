"""Verbs of the registry."""

from apps.registry.actions.evaluations import (
    claim_evaluations,
    fail_evaluations,
    finish_evaluations,
    release_evaluations,
    renew_evaluations,
    request_evaluations,
)
from apps.registry.actions.families import (
    SegmentSpec,
    add_segments,
    create_family,
    set_gates,
    set_labelled_until,
    update_family,
)
from apps.registry.actions.versions import describe_version, register_version

__all__ = [
    "SegmentSpec",
    "add_segments",
    "claim_evaluations",
    "create_family",
    "describe_version",
    "fail_evaluations",
    "finish_evaluations",
    "register_version",
    "release_evaluations",
    "renew_evaluations",
    "request_evaluations",
    "set_gates",
    "set_labelled_until",
    "update_family",
]
