"""Celery door of files."""

import structlog
from celery import shared_task

from apps.artifacts import actions
from apps.core.context import Door, through
from apps.core.doorbell import ring
from apps.core.errors import Unavailable
from apps.core.heartbeats import beat, silent_for

log = structlog.get_logger(__name__)
HOUR, DAY = 3_600, 86_400
STRAYS = "file-store-strays"
STALE_AFTER = 60  # seconds; the next round begins then


@shared_task(name="artifacts.coordinate", expires=STALE_AFTER)
def coordinate() -> None:
    """Rung by beat; whoever looks may have to wait for another machine."""
    ring("artifacts.look_after")


@shared_task(name="artifacts.ask_to_sweep", expires=HOUR)
def ask_to_sweep() -> None:
    """Rung by beat; removing bytes may have to wait for another machine."""
    ring("artifacts.sweep")


@shared_task(name="artifacts.sweep", expires=HOUR)
def sweep() -> None:
    """Removes stored bytes that nothing names any more, and once a day looks for those that nothing ever named."""
    with through(Door.TASK):
        try:
            _look_for_strays()
            if actions.sweep().more:
                ring("artifacts.sweep")
        except Unavailable as error:
            log.warning("artifacts.sweep_waits", reason=error.message)


def _look_for_strays() -> None:
    silent = silent_for(STRAYS)
    if silent is None or silent >= DAY:
        actions.note_strays()
        beat(STRAYS)


@shared_task(name="artifacts.look_after", expires=STALE_AFTER)
def look_after() -> None:
    """Whether the place of the files answers, for all who ask; what is half sent by nobody goes."""
    with through(Door.TASK):
        actions.look_after_store()
