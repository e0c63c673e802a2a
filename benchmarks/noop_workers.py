"""The portal's Celery workers on a platform where training is nothing, and the yardsticks as plain tasks beside it.

celery --app benchmarks.noop_workers worker …
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from celery.signals import worker_process_init
from django.conf import settings
from redis import Redis

from apps.platforms.base import Continue, End, Outcome, Progress, Work
from portal.celery import app

__all__ = ["app"]
DONE = "benchmark:done"
"""Counts plain tasks that are over, in Valkey: asking the database would slow what is measured."""


class NoPlatform:
    """Answers at once with the same small model."""

    def __init__(self) -> None:
        folder = Path(mkdtemp(prefix="portal-noop-"))
        self._files = {name: folder / name for name in ("model.json", "metrics.json")}
        self._files["model.json"].write_text("{}")
        self._files["metrics.json"].write_text('{"mae": 6.5}')

    def run(self, work: Work, beat: Callable[[Progress], Continue]) -> Outcome:
        return Outcome(End.SUCCEEDED, "", "", 0.0, self._files, "")

    def discard(self, work: Work) -> None:
        return None


@worker_process_init.connect
def train_nothing(**_: Any) -> None:
    from apps.retraining import training  # Django is ready only now

    platform = NoPlatform()
    training.default_runner = lambda: platform  # type: ignore[assignment]


@cache
def _valkey() -> Redis:
    return Redis.from_url(settings.CELERY_BROKER_URL)


@app.task(name="benchmark.bare")
def bare(segment: str) -> None:
    """A plain task that does nothing and keeps nothing."""
    _valkey().incr(DONE)


@app.task(name="benchmark.by_hand")
def by_hand(family_id: int, segment_id: int, user_id: int) -> None:
    """The same function as a plain task: a tracked run with its parameters, metrics and files, and a version of it."""
    from benchmarks.by_hand import train

    train(family_id=family_id, segment_id=segment_id, user_id=user_id)
    _valkey().incr(DONE)
