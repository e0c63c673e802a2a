"""Beat's process rings by name and loads nothing else."""

import subprocess
import sys

from django.conf import settings

from portal.celery import app, beat

STARTED = """
from django.apps import apps
from portal.celery import beat

beat.loader.init_worker()
beat.finalize()
print(apps.ready)
"""


def test_it_starts_without_the_apps_of_the_portal() -> None:
    argv = [sys.executable, "-c", STARTED]
    said = subprocess.run(argv, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False"]


def test_what_it_rings_goes_where_the_task_goes() -> None:
    app.loader.import_default_modules()
    for entry in beat.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        queues = [one.amqp.router.route({}, entry["task"])["queue"].name for one in (app, beat)]
        assert queues[0] == queues[1]
