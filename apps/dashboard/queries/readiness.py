"""Is everything there that the portal needs? Asked by probes every few seconds, so it costs three small queries."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import connection

from apps.artifacts.queries import StoreHealth, store_health
from apps.core import heartbeats
from apps.core.figures import duration
from apps.core.heartbeats import BrokerAway
from apps.retraining import queries as retraining

BEAT = "beat"
SILENT_SECONDS = 30.0
"""Beat is heard every five seconds, through a worker that decides; six in a row are no hiccup."""
AWAKE_SINCE = time.time()
"""When this process began to look; what starts together with it is given as long to be heard."""
WAITS_TOO_LONG = 600.0
CROWDED = 0.9


@dataclass(frozen=True)
class Readiness:
    """What was found. `beat_silent` is None where it was never heard, `files` while the broker is away."""

    connections: int
    most_connections: int
    broker: bool
    beat_silent: float | None
    oldest_waiting: float
    files: StoreHealth | None

    @property
    def troubles(self) -> list[str]:
        """A sentence each; none of them is a reason to take a web process away."""
        found = []
        if not self.broker:
            found.append("The broker does not answer: what is asked for waits in the database until it does.")
        elif self.beat_is_missed:
            heard = "never" if self.beat_silent is None else f"last {duration(self.beat_silent)} ago"
            found.append(f"Beat was {heard} heard: nothing new is started. Look at beat and the worker of `control`.")
        if self.oldest_waiting > WAITS_TOO_LONG:
            found.append(
                f"A segment run has waited for {duration(self.oldest_waiting)}. Look at the workers of `work`."
            )
        if self.files and self.files.said:
            found.append(self.files.said)
        if self.connections > CROWDED * self.most_connections:
            found.append(f"{self.connections} of {self.most_connections} connections of the database are taken.")
        return found

    @property
    def beat_is_missed(self) -> bool:
        """Not in the first seconds after a start, when everything else is still starting, too."""
        silent = self.beat_silent is None or self.beat_silent > SILENT_SECONDS
        return silent and time.time() - AWAKE_SINCE > SILENT_SECONDS


def readiness() -> Readiness:
    """Raises DatabaseError while the database is away: without it no page can be shown."""
    connections, most = _connections()
    broker, silent = _beat()
    waiting = [depth.oldest for depth in retraining.queue_depths() if depth.status == "waiting"]
    return Readiness(connections, most, broker, silent, max(waiting, default=0.0), _files())


def _files() -> StoreHealth | None:
    try:
        return store_health()
    except BrokerAway:
        return None


def _connections() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity"
            " WHERE backend_type = 'client backend'"
        )
        count, most = cursor.fetchone()
        return count, most


def _beat() -> tuple[bool, float | None]:
    try:
        return True, heartbeats.silent_for(BEAT)
    except BrokerAway:
        return False, None
