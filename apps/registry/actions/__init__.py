"""Verbs of the registry."""

from apps.registry.actions.evaluations import (
    BATCH,
    Claim,
    claim_evaluations,
    fail_evaluations,
    finish_evaluations,
    release_evaluations,
    renew_evaluations,
    request_evaluations,
    ring_for,
)
from apps.registry.actions.families import (
    SegmentSpec,
    add_segments,
    create_family,
    set_gates,
    set_labelled_until,
    update_family,
)
from apps.registry.actions.promotions import Refused, approve, expire_waves, propose, reject, withdraw
from apps.registry.actions.protection import AliasSpec
from apps.registry.actions.rollbacks import Rollback, rollback
from apps.registry.actions.versions import describe_version, register_version

__all__ = [
    "BATCH",
    "AliasSpec",
    "Claim",
    "Refused",
    "Rollback",
    "SegmentSpec",
    "add_segments",
    "approve",
    "claim_evaluations",
    "create_family",
    "describe_version",
    "expire_waves",
    "fail_evaluations",
    "finish_evaluations",
    "propose",
    "register_version",
    "reject",
    "release_evaluations",
    "renew_evaluations",
    "request_evaluations",
    "ring_for",
    "rollback",
    "set_gates",
    "set_labelled_until",
    "update_family",
    "withdraw",
]
