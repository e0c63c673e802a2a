"""The web process: `granian --interface wsgi portal.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import portal.celery  # noqa: F401  (installs the doorbell)

application = get_wsgi_application()

from apps.accounts import credentials  # noqa: E402  (Django has to be set up before)
from apps.registry import consumption  # noqa: E402

credentials.listen()
consumption.write_for_ever()
