"""Celery door of files."""

from celery import shared_task

from apps.artifacts import actions
from apps.core.context import Door, through


@shared_task(name="artifacts.look_after", expires=60)
def look_after() -> None:
    """Beat asks for it every minute."""
    with through(Door.TASK):
        actions.look_after_store()
