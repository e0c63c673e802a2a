"""Celery door of files."""

from celery import shared_task

from apps.artifacts import actions
from apps.core.context import Door, through
from apps.core.doorbell import ring

STALE_AFTER = 60  # seconds; the next round begins then


@shared_task(name="artifacts.coordinate", expires=STALE_AFTER)
def coordinate() -> None:
    """Rung by beat; whoever looks may have to wait for another machine."""
    ring("artifacts.look_after")


@shared_task(name="artifacts.look_after", expires=STALE_AFTER)
def look_after() -> None:
    """Whether the place of the files answers, for all who ask; what is half sent by nobody goes."""
    with through(Door.TASK):
        actions.look_after_store()
