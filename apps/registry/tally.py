"""Counting in memory, to be written later: what a process that is killed has not written is lost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

MOST_WAITING = 100_000
"""Different uses that wait to be written; while the database is away for long, others are not counted."""


@dataclass(frozen=True, order=True)
class Use:
    """A version (by id), used by a user (by id) in one way, at a place that only who serves it names."""

    version: int
    user: int
    kind: str
    place: str = ""


class Tally:
    """Adding costs a lock in memory and nothing else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses: Counter[Use] = Counter()

    def add(self, uses: Iterable[Use]) -> None:
        with self._lock:
            if len(self._uses) < MOST_WAITING:
                self._uses.update(uses)

    def take(self) -> Counter[Use]:
        """All of it; from now on it counts from zero."""
        with self._lock:
            taken, self._uses = self._uses, Counter()
        return taken

    def put_back(self, uses: Counter[Use]) -> None:
        with self._lock:
            self._uses.update(uses)
