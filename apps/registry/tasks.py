"""Celery door of the registry. Messages are doorbells: they may come twice, late or never."""

from celery import shared_task

from apps.core.context import Door, through
from apps.core.doorbell import ring
from apps.registry import actions, evaluating, queries

STALE_AFTER = 60  # seconds; the coordinator rings every two seconds, an older ring says nothing new
MOST_RINGS = 8  # at a time: more batches than this wait for the next tick, so that no queue of rings grows


@shared_task(name="registry.evaluate", expires=STALE_AFTER)
def evaluate() -> None:
    """Evaluates one batch, and rings again while there may be another."""
    with through(Door.TASK):
        if evaluating.evaluate_batch():
            actions.ring_for(evaluations=1)


@shared_task(name="registry.publish", expires=STALE_AFTER)
def publish() -> None:
    """Writes the snapshots of families whose aliases have moved."""
    with through(Door.TASK):
        actions.publish_snapshots()


@shared_task(name="registry.coordinate", expires=STALE_AFTER)
def coordinate() -> None:
    """Finds evaluations and snapshots that nobody rang for, proposals whose time is over, stages with a live value."""
    with through(Door.TASK):
        actions.expire_waves()
        actions.advance_waves()
        if queries.snapshots_due().exists():
            ring("registry.publish")
        actions.ring_for(evaluations=min(queries.evaluations_due(), MOST_RINGS * actions.BATCH))
