"""Beat's sign of life: rung by beat, written by a worker that decides, so it says that both are there."""

from celery import shared_task

from apps.core import heartbeats
from apps.dashboard.queries.readiness import BEAT


@shared_task(name="dashboard.heartbeat")
def heartbeat() -> None:
    heartbeats.beat(BEAT)
