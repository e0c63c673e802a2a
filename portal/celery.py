"""Celery's wiring: three queues, the beat of the coordinators, and the doorbell that actions ring.

`control` carries what decides (short, never blocked); `work` carries what takes time (training, evaluating);
`outgoing` carries what waits for other machines (mail, webhooks), and never waits for the other two.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu import Queue

from apps.core import doorbell
from apps.core.priority import go_after_others

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

QUEUES = (Queue("control"), Queue("work"), Queue("outgoing"))
ROUTES = {
    "retraining.train": {"queue": "work"},
    "registry.evaluate": {"queue": "work"},
    "accounts.recheck": {"queue": "outgoing"},
    "notifications.send": {"queue": "outgoing"},
    "registry.publish": {"queue": "outgoing"},
    "transfers.bring": {"queue": "outgoing"},
    "retraining.hand_over": {"queue": "outgoing"},
    "retraining.attend": {"queue": "outgoing"},
    "retraining.look_up": {"queue": "outgoing"},
    "retraining.listen": {"queue": "outgoing"},
    "platforms.look_after": {"queue": "outgoing"},
    "artifacts.look_after": {"queue": "outgoing"},
    "artifacts.sweep": {"queue": "outgoing"},
    "retention.cut": {"queue": "outgoing"},
}
SCHEDULE = {
    "dashboard.heartbeat": {"task": "dashboard.heartbeat", "schedule": 5.0, "options": {"expires": 10}},
    # A tick that waited for longer than a few others is worth nothing.
    "retraining.coordinate": {"task": "retraining.coordinate", "schedule": 2.0, "options": {"expires": 10}},
    "retraining.watch": {"task": "retraining.watch", "schedule": 10.0, "options": {"expires": 60}},
    "retraining.discover": {"task": "retraining.discover", "schedule": 60.0, "options": {"expires": 60}},
    "catalog.keep_dates": {"task": "catalog.keep_dates", "schedule": 3600.0, "options": {"expires": 3600}},
    "registry.coordinate": {"task": "registry.coordinate", "schedule": 2.0, "options": {"expires": 10}},
    "transfers.coordinate": {"task": "transfers.coordinate", "schedule": 2.0, "options": {"expires": 10}},
    "accounts.coordinate": {"task": "accounts.coordinate", "schedule": 60.0, "options": {"expires": 60}},
    "platforms.coordinate": {"task": "platforms.coordinate", "schedule": 60.0, "options": {"expires": 60}},
    "artifacts.coordinate": {"task": "artifacts.coordinate", "schedule": 60.0, "options": {"expires": 60}},
    "artifacts.ask_to_sweep": {"task": "artifacts.ask_to_sweep", "schedule": 3600.0, "options": {"expires": 3600}},
    "retention.coordinate": {"task": "retention.coordinate", "schedule": 600.0, "options": {"expires": 600}},
    "retraining.look_up_all": {"task": "retraining.look_up_all", "schedule": 60.0, "options": {"expires": 60}},
    "retraining.listen_all": {"task": "retraining.listen_all", "schedule": 30.0, "options": {"expires": 30}},
    "notifications.coordinate": {"task": "notifications.coordinate", "schedule": 2.0, "options": {"expires": 10}},
}


def _configured(**how: Any) -> Celery:
    made = Celery("portal", **how)
    made.config_from_object("django.conf:settings", namespace="CELERY")
    made.conf.update(task_queues=QUEUES, task_routes=ROUTES, beat_schedule=SCHEDULE)
    return made


app = _configured()
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)
beat = _configured(fixups=[], set_as_current=False)
"""Rings by name, so its process loads none of Django's apps and their tasks: 51 MB instead of 115."""


@worker_process_init.connect
def _go_after_the_pages(**_: Any) -> None:
    """Where web and workers share a machine, people who wait for a page go first."""
    go_after_others(5)


@setup_logging.connect
def log_as_django_does(**_: Any) -> None:
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)


def _ring(name: str, *args: Any) -> None:
    """Send the named task, to the queue that `task_routes` names (else `control`)."""
    app.loader.import_default_modules()
    app.tasks[name].apply_async(args=args)


doorbell.install(_ring)
