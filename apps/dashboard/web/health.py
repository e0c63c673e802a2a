"""What probes ask: alive, and ready with what is in trouble."""

from __future__ import annotations

import structlog
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse

from apps.core.figures import duration
from apps.dashboard import queries
from apps.dashboard.queries import Readiness

log = structlog.get_logger(__name__)
PLAIN = "text/plain; charset=utf-8"


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers, else 503; beside it the broker, beat, the oldest waiting run, connections.

    A broker or a beat that is away is told, and is no reason to send people elsewhere: pages work without them.
    """
    try:
        found = queries.readiness()
    except (DatabaseError, InterfaceError) as error:
        log.warning("not_ready", error=type(error).__name__)
        return HttpResponse("database away\n", status=503, content_type=PLAIN, headers={"Retry-After": "5"})
    return HttpResponse("\n".join(_lines(found)) + "\n", content_type=PLAIN)


def _lines(found: Readiness) -> list[str]:
    unheard = "never heard" if found.beat_is_missed else "not heard yet"
    beat = unheard if found.beat_silent is None else f"heard {duration(found.beat_silent)} ago"
    return [
        "ready, with troubles" if found.troubles else "ready",
        f"database answers, {found.connections} of {found.most_connections} connections",
        f"broker {'answers' if found.broker else 'away'}",
        f"beat {beat if found.broker else 'unknown'}",
        f"oldest waiting run {duration(found.oldest_waiting)}",
        f"file store {_answers(found)}",
        *found.troubles,
    ]


def _answers(found: Readiness) -> str:
    """Where it lies is nobody's business who has not signed in."""
    if found.files is None or found.files.said is None:
        return "not looked at lately"
    return "away" if found.files.said else "answers"
