"""Celery door of notifications. Messages are doorbells: they may come twice, late or never."""

from celery import shared_task

from apps.core.context import Door, through
from apps.core.doorbell import ring
from apps.notifications import actions, queries, sending

STALE_AFTER = 60  # seconds; the coordinator rings every two seconds, an older ring says nothing new
MOST_RINGS = 4  # as many as the outgoing worker has threads
MOST_BATCHES = 20  # of events at one tick; the next tick goes on


@shared_task(name="notifications.coordinate", expires=STALE_AFTER)
def coordinate() -> None:
    """Reads the audit on, takes back what lost workers held, and rings for what is due."""
    with through(Door.TASK):
        for _ in range(MOST_BATCHES):
            if not actions.read_outbox():
                break
        actions.take_back()
        for _ in range(queries.due(most=MOST_RINGS)):
            ring("notifications.send")


@shared_task(name="notifications.send", expires=STALE_AFTER)
def send() -> None:
    """Sends what is due, and rings again while there may be more."""
    with through(Door.TASK):
        if sending.send_due():
            ring("notifications.send")
