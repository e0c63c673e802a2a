"""What workers say about themselves; evidence, so nothing is asked and nothing audited."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models.functions import Now

from apps.retraining.models import Worker


@dataclass(frozen=True)
class WorkerReport:
    """A heartbeat of one Celery worker."""

    name: str
    pid: int
    host: str
    queues: Sequence[str]
    slots: int
    isolation: str = ""  # empty where training code runs as another user, else why not


def note_worker(*, report: WorkerReport, starting: bool = False) -> None:
    """The worker is alive; `starting` begins a new life under its name."""
    facts = {
        "pid": report.pid,
        "host": report.host,
        "queues": list(report.queues),
        "slots": report.slots,
        "isolation": report.isolation,
        "seen_at": Now(),
        "stopped_at": None,
    }
    begun = {"started_at": Now()} if starting else {}
    Worker.objects.update_or_create(name=report.name, defaults=facts | begun, create_defaults=facts | begun)


def note_worker_stopped(*, name: str) -> None:
    """The worker said goodbye."""
    Worker.objects.filter(name=name, stopped_at=None).update(stopped_at=Now())
