"""Celery door of retention. Messages are doorbells: they may come twice, late or never."""

from __future__ import annotations

import time

import structlog
from celery import shared_task

from apps.core.context import Door, through
from apps.core.doorbell import ring
from apps.core.errors import Denied
from apps.retention import actions, queries

log = structlog.get_logger(__name__)
HOUR = 3_600
SECONDS_AT_A_TIME = 20
"""Then others have their turn."""


@shared_task(name="retention.coordinate", expires=HOUR)
def coordinate() -> None:
    """Rings for each rule by which something may be due."""
    for pk in queries.due_rules().values_list("pk", flat=True):
        ring("retention.cut", pk)


@shared_task(name="retention.cut", expires=HOUR)
def cut(rule_id: int) -> None:
    """Piece by piece, each in a transaction of its own; rings again for the rest."""
    until = time.monotonic() + SECONDS_AT_A_TIME
    with through(Door.TASK):
        try:
            while actions.cut_more(rule_id=rule_id):
                if time.monotonic() > until:
                    ring("retention.cut", rule_id)
                    return
        except Denied as refusal:
            log.warning("retention.rests", rule=rule_id, reason=refusal.message)
