"""The web process: `granian --interface wsgi portal.wsgi:application`."""

import os
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import portal.celery  # noqa: F401  (installs the doorbell)

django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """granian sends a list at once; anything else it fetches piece by piece, waiting for the interpreter each time."""
    response = django(environ, start_response)
    if not isinstance(response, HttpResponse):
        return response
    try:
        return [response.content]
    finally:
        response.close()


from apps.accounts import credentials  # noqa: E402  (Django has to be set up before)
from apps.registry import consumption  # noqa: E402
from portal.warm_up import warm_up  # noqa: E402

warm_up()
credentials.listen()
consumption.write_for_ever()
