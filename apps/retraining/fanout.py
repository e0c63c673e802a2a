"""What to do next with a request's open segment runs.

Pure: the rows and the database's time go in, decisions come out, so that every mixture of states can be tried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

BATCH = 4  # messages are cheap and runs are short: enough to save messages, few enough to share out
SHARES = 8  # a small fan-out is spread over many messages, so that no worker idles beside a full batch
LONGEST_PAUSE = timedelta(minutes=10)
RETRIED_CAUSES = frozenset({"lost", "start", "signal", "store", "portal"})
"""Ends that say nothing about the script: the worker, the machine or the portal failed. A script that raises, runs
out of its limits or finds no data would do so again."""


@dataclass(frozen=True)
class OpenRun:
    id: int
    status: Literal["waiting", "sent", "running"]
    tries: int = 0  # attempts since a person last asked for it
    sends: int = 0  # messages since it last waited
    sent_at: datetime | None = None
    not_before: datetime | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True)
class Limits:
    room: int  # how many more of the pipeline's runs may be on their way
    max_tries: int
    resend_after: timedelta


@dataclass(frozen=True)
class Plan:
    """Ids by what happens to them; `finish`: afterwards no run is open."""

    send: tuple[int, ...] = ()
    resend: tuple[int, ...] = ()  # sent, and nobody took it: the message may be lost
    retry: tuple[int, ...] = ()  # its worker is gone: back to waiting
    give_up: tuple[int, ...] = ()  # its worker is gone once too often
    cancel: tuple[int, ...] = ()
    finish: bool = False


def plan(runs: Sequence[OpenRun], now: datetime, limits: Limits, *, cancelling: bool = False) -> Plan:
    """Decide about every open run of one request; a run that needs nothing is in no list."""
    lost = [run for run in runs if run.status == "running" and _past(run.lease_until, now)]
    if cancelling:
        return _cancel(runs, lost)
    give_up = tuple(run.id for run in lost if run.tries >= limits.max_tries)
    return Plan(
        send=_sendable(runs, now, limits.room),
        resend=tuple(run.id for run in runs if run.status == "sent" and _unclaimed(run, now, limits)),
        retry=tuple(run.id for run in lost if run.tries < limits.max_tries),
        give_up=give_up,
        finish=len(give_up) == len(runs),
    )


def batches(ids: Sequence[int]) -> list[list[int]]:
    """The ids in messages of at most BATCH."""
    size = max(1, min(BATCH, len(ids) // SHARES))
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]


def pause_before_retry(tries: int, run_id: int, first: timedelta) -> timedelta:
    """Doubles with each try, at most LONGEST_PAUSE; up to a quarter longer by id, so that not all come back at once."""
    pause = min(first * 2 ** min(max(tries - 1, 0), 16), LONGEST_PAUSE)
    return pause * (1 + (run_id * 2_654_435_761 % 1_000) / 4_000)


def may_retry(cause: str, tries: int, max_tries: int) -> bool:
    return cause in RETRIED_CAUSES and tries < max_tries


def end_of(counts: Mapping[str, int]) -> str:
    """How a request ends whose runs ended so: a city without data is an answer, not a failure."""
    if counts.get("cancelled"):
        return "cancelled"
    if not counts.get("failed"):
        return "finished"
    return "finished_with_failures" if counts.get("succeeded") or counts.get("no_data") else "failed"


def _cancel(runs: Sequence[OpenRun], lost: Sequence[OpenRun]) -> Plan:
    """A run whose worker lives is ended by that worker, which reads the wish at its next heartbeat."""
    cancel = tuple(run.id for run in runs if run.status != "running" or run in lost)
    return Plan(cancel=cancel, finish=len(cancel) == len(runs))


def _sendable(runs: Sequence[OpenRun], now: datetime, room: int) -> tuple[int, ...]:
    due = [run.id for run in runs if run.status == "waiting" and (run.not_before is None or run.not_before <= now)]
    return tuple(due[: max(room, 0)])


def _unclaimed(run: OpenRun, now: datetime, limits: Limits) -> bool:
    """Waits longer each time: behind busy workers a repeated message would only lengthen the queue."""
    patience = min(limits.resend_after * 2 ** min(max(run.sends - 1, 0), 16), LONGEST_PAUSE)
    return run.sent_at is None or run.sent_at + patience < now


def _past(moment: datetime | None, now: datetime) -> bool:
    return moment is None or moment < now
