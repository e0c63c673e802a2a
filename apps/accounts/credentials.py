"""Who holds a token, for doors that are asked too often to look into the database each time.

An answer is remembered for at most 30 seconds, and only while this process hears the database say that tokens, people
and memberships have changed: a revoked token is forgotten at once, in every process, whichever revoked it.
"""

from __future__ import annotations

import select
import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone
from knox.crypto import hash_token

from apps.accounts.authentication import note_use
from apps.accounts.models import ApiToken, User
from apps.accounts.queries import know_teams
from apps.core.context import Credential

log = structlog.get_logger(__name__)
CHANNEL = "accounts_changed"  # the triggers of migration 0002 speak on it
REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 4_096
BREATH_SECONDS = 1.0  # between two tries to hear a database that is away


@dataclass(frozen=True)
class Holder:
    """A token's user, with their memberships, and what the token may do."""

    user: User
    credential: Credential


def holder_of(secret: str) -> Holder | None:
    """None for a token that is unknown, expired or revoked, and for an account that is switched off."""
    if not secret.isascii() or not secret.isprintable():
        return None
    digest = hash_token(secret)
    news = _memory.news
    return _memory.recall(digest) or _memory.keep(digest, news, *_look_up(digest))


def listen() -> None:
    """Called once by a process that serves: from then on it remembers."""
    threading.Thread(target=_memory.hear_for_ever, name="credentials", daemon=True).start()


def _look_up(digest: str) -> tuple[Holder | None, float]:
    """The holder, and for how many seconds that may be believed."""
    live = ApiToken.objects.filter(digest=digest, user__is_active=True, expiry__gt=timezone.now())
    row = live.select_related("user").first()
    if row is None or row.expiry is None:
        return None, 0.0
    note_use(row)
    know_teams(row.user)
    left = (row.expiry - timezone.now()).total_seconds()
    return Holder(row.user, row.credential), min(left, REMEMBERED_SECONDS)


class _Memory:
    """Holders by their token's digest. `news` counts what was heard: an answer from before it is not kept."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Holder, float]] = {}
        self._hearing = False
        self.news = 0

    def recall(self, digest: str) -> Holder | None:
        known = self._known.get(digest)
        return known[0] if known and time.monotonic() < known[1] else None

    def keep(self, digest: str, news: int, holder: Holder | None, seconds: float) -> Holder | None:
        if holder and self._hearing and news == self.news:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[digest] = (holder, time.monotonic() + seconds)
        return holder

    def hear_for_ever(self) -> None:
        while True:
            try:
                self._hear()
            except (DatabaseError, InterfaceError, OSError, ValueError) as error:
                log.warning("credentials.deaf", error=type(error).__name__)
            self._forget(hearing=False)
            time.sleep(BREATH_SECONDS)

    def _hear(self) -> None:
        """On a connection of its own, until that breaks."""
        wrapper = connections.create_connection("default")
        try:
            with wrapper.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            self._forget(hearing=True)
            while True:
                _wait_for_news(wrapper.connection)
                self._forget(hearing=True)
        finally:
            wrapper.close()

    def _forget(self, *, hearing: bool) -> None:
        self._hearing = hearing
        self.news += 1
        self._known.clear()


def _wait_for_news(raw: Any) -> None:
    """psycopg2's connection; raises when the database has closed it."""
    while not raw.notifies:
        select.select([raw], [], [])
        raw.poll()
    raw.notifies.clear()


_memory = _Memory()
