"""Celery door of transfers. Messages are doorbells: they may come twice, late or never."""

from celery import shared_task

from apps.core.context import Door, through
from apps.core.doorbell import ring
from apps.transfers import actions, bringing
from apps.transfers.models import Transfer

STALE_AFTER = 60  # seconds; the coordinator rings every two seconds, an older ring says nothing new
AT_ONCE = 2  # of the outgoing worker's four threads: mails do not wait for gigabytes


@shared_task(name="transfers.coordinate", expires=STALE_AFTER)
def coordinate() -> None:
    """Takes back what lost workers had, and rings for what is due."""
    with through(Door.TASK):
        actions.take_back()
        busy = Transfer.objects.filter(status=Transfer.Status.WORKING).count()
        for _ in range(min(Transfer.objects.due()[:AT_ONCE].count(), AT_ONCE - busy)):
            ring("transfers.bring")


@shared_task(name="transfers.bring", expires=STALE_AFTER)
def bring() -> None:
    """Brings one version's files, unless enough others are at it, and rings again while there may be more."""
    with through(Door.TASK):
        if Transfer.objects.filter(status=Transfer.Status.WORKING).count() < AT_ONCE and bringing.bring_next():
            ring("transfers.bring")
