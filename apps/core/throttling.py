"""How often somebody may call the API within a minute: each token, and each person at a browser, by itself.

A whole minute is counted in the broker, for all web processes together. While the broker is away nobody is counted:
being asked too often is less bad than answering nobody. MLflow's door is never throttled, for its clients wait for
minutes and try again where they are told so; see docs/operating/README.md.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.throttling import BaseThrottle

from apps.core.heartbeats import BrokerAway, count_up

if TYPE_CHECKING:
    from rest_framework.request import Request

MINUTE = 60


class CallsPerMinute(BaseThrottle):
    """Of a token, of who is signed in, or of an address that nobody has signed in from."""

    def allow_request(self, request: Request, view: Any) -> bool:
        most = settings.API_CALLS_PER_MINUTE
        if not most:
            return True
        try:
            return count_up(f"calls:{self._caller(request)}:{int(time.time()) // MINUTE}", seconds=2 * MINUTE) <= most
        except BrokerAway:
            return True

    def wait(self) -> float:
        """Seconds until the next minute, at least one."""
        return MINUTE - int(time.time()) % MINUTE

    def _caller(self, request: Request) -> str:
        if shown := getattr(request.auth, "audit_id", ""):
            return f"token:{shown}"
        return f"user:{request.user.pk}" if request.user.is_authenticated else f"from:{self.get_ident(request)}"  # type: ignore[no-untyped-call]
