"""What workers say about themselves, which is evidence and asks nobody; and what operators want of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from apps.audit.actions import record
from apps.core.permissions import require
from apps.retraining.events import Event
from apps.retraining.models import Worker

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class WorkerReport:
    """A heartbeat of one Celery worker."""

    name: str
    pid: int
    host: str
    queues: Sequence[str]
    slots: int
    isolation: str = ""  # empty where training code runs as another user, else why not
    release: str = ""  # version and fingerprint of its code


def note_worker(*, report: WorkerReport, starting: bool = False) -> None:
    """The worker is alive; `starting` begins a new life under its name."""
    facts = {
        "pid": report.pid,
        "host": report.host,
        "queues": list(report.queues),
        "slots": report.slots,
        "isolation": report.isolation,
        "release": report.release,
        "seen_at": Now(),
        "stopped_at": None,
    }
    begun = {"started_at": Now(), "draining_since": None} if starting else {}
    Worker.objects.update_or_create(name=report.name, defaults=facts | begun, create_defaults=facts | begun)


def note_worker_stopped(*, name: str) -> None:
    """The worker said goodbye."""
    Worker.objects.filter(name=name, stopped_at=None).update(stopped_at=Now())


@transaction.atomic
def drain_worker(*, actor: User, worker: Worker) -> None:
    """It ends what it runs and takes nothing more; a new start of it forgets that. Doing it twice changes nothing."""
    require(actor, "retraining.operate")
    if Worker.objects.filter(pk=worker.pk, draining_since=None).update(draining_since=Now()):
        record(actor=actor, action=Event.WORKER_DRAINED, target=worker)


@transaction.atomic
def undrain_worker(*, actor: User, worker: Worker) -> None:
    """It takes runs again."""
    require(actor, "retraining.operate")
    if Worker.objects.filter(pk=worker.pk, draining_since__isnull=False).update(draining_since=None):
        record(actor=actor, action=Event.WORKER_UNDRAINED, target=worker)
