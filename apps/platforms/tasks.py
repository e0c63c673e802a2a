"""Celery door of connections. Messages are doorbells: they may come twice, late or never."""

from celery import shared_task

from apps.core.context import Door, through
from apps.core.doorbell import ring
from apps.platforms import actions
from apps.platforms.models import Connection

STALE_AFTER = 60  # seconds; the next round begins then


@shared_task(name="platforms.coordinate", expires=STALE_AFTER)
def coordinate() -> None:
    """Rings for each connection: one that hangs keeps no other from being tested."""
    with through(Door.TASK):
        for connection_id in Connection.objects.values_list("pk", flat=True):
            ring("platforms.look_after", connection_id)


@shared_task(name="platforms.look_after", expires=STALE_AFTER)
def look_after(connection_id: int) -> None:
    """Tests one connection; what it finds is shown wherever the connection matters."""
    with through(Door.TASK):
        connection = Connection.objects.filter(pk=connection_id).first()
        if connection is not None:
            actions.look_after(connection=connection)
