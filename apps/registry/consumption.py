"""The thread of a process that serves which writes who uses which version."""

from __future__ import annotations

import threading
import time

from django.db import close_old_connections

from apps.registry.actions import write_uses

WRITE_SECONDS = 5.0


def write_for_ever() -> None:
    """Called once by a process that serves."""
    threading.Thread(target=_write_for_ever, name="consumption", daemon=True).start()


def _write_for_ever() -> None:
    while True:
        time.sleep(WRITE_SECONDS)
        close_old_connections()
        write_uses()
