"""What is noted about segment runs that a platform has: who looks after which, until when, and what it heard.

A run of a platform is not lost by silence: its lease only says who looks after it at the moment. Evidence, so nothing
is asked and nothing audited; every write is fenced by the attempt.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Now, Right

from apps.platforms.base import Phase
from apps.retraining.actions.attempts import HAND_OVER
from apps.retraining.holds import Abroad, abroad, due
from apps.retraining.models import LOG_CHARACTERS, Attempt, SegmentRun, SegmentRunQuerySet

if TYPE_CHECKING:
    from datetime import datetime

    from apps.platforms.base import LogChunk, State

AT_ONCE = 100  # runs of one connection that are looked after together
LONGEST_MESSAGE = 300


@transaction.atomic
def take_due(*, connection_id: int) -> list[Abroad]:
    """Takes the runs of a connection that nobody looks after, for as long as a hand-over may take."""
    waiting = due().filter(connection=connection_id).order_by("segment_run__lease_until")
    ids = list(waiting.values_list("segment_run_id", flat=True)[:AT_ONCE])
    runs = SegmentRun.objects.filter(pk__in=ids, status=SegmentRun.Status.RUNNING, lease_until__lt=Now())
    taken = list(runs.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))
    SegmentRun.objects.filter(pk__in=taken).update(lease_until=Now() + HAND_OVER)
    return abroad(segment_run__in=taken)


@transaction.atomic
def note_accepted(*, held: Abroad) -> None:
    """The platform has it."""
    Attempt.objects.filter(pk=held.attempt_id).update(accepted_at=Now(), seen_at=Now(), phase=Phase.QUEUED.value)
    note_unchanged(held=held, message="Accepted, and not started yet.")


@transaction.atomic
def note_state(*, held: Abroad, state: State, message: str) -> None:
    """The platform has named it."""
    Attempt.objects.filter(pk=held.attempt_id).update(seen_at=Now(), phase=state.phase.value)
    note_unchanged(held=held, message=message)


@transaction.atomic
def note_end_asked(*, held: Abroad, message: str) -> None:
    """The platform was told to end it."""
    Attempt.objects.filter(pk=held.attempt_id, end_asked_at=None).update(end_asked_at=Now())
    note_unchanged(held=held, message=message)


@transaction.atomic
def note_log(*, held: Abroad, chunk: LogChunk) -> None:
    """Keeps the end of the log; what was read by two at once is kept once, by the cursor."""
    same = Attempt.objects.filter(pk=held.attempt_id, log_cursor=held.log_cursor)
    if same.update(log_cursor=chunk.cursor, log_read_at=Now()) and chunk.text:
        said = chunk.text.replace("\0", "")[-LOG_CHARACTERS:]
        _held(held).update(log=Right(Concat(F("log"), Value(said)), LOG_CHARACTERS))


def note_unchanged(*, held: Abroad, message: str) -> None:
    """Everything that the platform knew of it when this look began is noted; the next one asks for what came since."""
    _look_again(held, message, heartbeat_at=held.now)


def put_off(*, held: Abroad, message: str) -> None:
    """The platform could not be asked about it; the message says why."""
    _look_again(held, message)


def _look_again(held: Abroad, message: str, **heard: datetime) -> None:
    """Somebody looks again in a few seconds."""
    soon = Now() + timedelta(seconds=settings.RETRAINING_POLL_SECONDS)
    _held(held).update(lease_until=soon, message=message[:LONGEST_MESSAGE], **heard)


def _held(held: Abroad) -> SegmentRunQuerySet:
    return SegmentRun.objects.filter(pk=held.run_id, attempt=held.attempt, status=SegmentRun.Status.RUNNING)
