"""What to do next with a request's open segment runs.

Pure: the rows and the database's time go in, decisions come out, so that every mixture of states can be tried.
"""

import re
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
    cancelling: bool = False  # somebody wants this one to end
    behind: bool = False  # an earlier request still has an open run of the same segment
    outside: bool = False  # a platform has it: silence there loses nothing, and its end is asked for there


@dataclass(frozen=True)
class Limits:
    room: int  # how many more runs may be on their way, by pipeline and team
    max_tries: int
    resend_after: timedelta


@dataclass(frozen=True)
class Plan:
    """Ids by what happens to them; `finish`: afterwards no run is open."""

    send: tuple[int, ...] = ()
    resend: tuple[int, ...] = ()  # sent, and nobody took it: the message may be lost
    recall: tuple[int, ...] = ()  # sent, and not to start now: back to waiting
    retry: tuple[int, ...] = ()  # its worker is gone: back to waiting
    give_up: tuple[int, ...] = ()  # its worker is gone once too often
    cancel: tuple[int, ...] = ()
    finish: bool = False


@dataclass(frozen=True)
class Ended:
    """A run that has ended since the request was sent or last resumed."""

    id: int
    status: str
    cause: str = ""
    reason: str = ""
    segment: str = ""


def plan(
    runs: Sequence[OpenRun], now: datetime, limits: Limits, *, canaries: Sequence[int] = (), held: bool = False
) -> Plan:
    """Decide about every open run of one request; a run that needs nothing is in no list.

    `canaries` are the request's first runs, open or not. While one of them is open, nothing else is sent.
    """
    lost = [run for run in runs if run.status == "running" and not run.outside and _past(run.lease_until, now)]
    cancel = tuple(run.id for run in runs if run.cancelling and (run.status != "running" or run in lost))
    kept = [run for run in runs if not run.cancelling]
    missed = [run for run in lost if not run.cancelling]
    give_up = tuple(run.id for run in missed if run.tries >= limits.max_tries)
    sent = [run for run in kept if run.status == "sent"]
    return Plan(
        send=() if held else _sendable(_first(kept, canaries), now, limits.room),
        resend=() if held else tuple(run.id for run in sent if _unclaimed(run, now, limits)),
        recall=tuple(run.id for run in sent) if held else (),
        retry=tuple(run.id for run in missed if run.tries < limits.max_tries),
        give_up=give_up,
        cancel=cancel,
        finish=len(give_up) + len(cancel) == len(runs),
    )


def why_to_hold(ended: Sequence[Ended], *, stop_after: int, canaries: Sequence[int] = ()) -> str:
    """The sentence why nothing more should be sent, empty as long as there is none; `ended` has the newest first."""
    fallen = next((one for one in ended if one.id in canaries and one.status == "failed"), None)
    if fallen:
        return f"{fallen.segment} ran first, to try this out, and failed: {fallen.reason}"
    newest = ended[:stop_after]
    if not stop_after or len(newest) < stop_after or any(one.status != "failed" for one in newest):
        return ""
    if len({(one.cause, _kind_of(one.reason)) for one in newest}) > 1:
        return ""
    return f"{stop_after} segments in a row failed for the same reason: {newest[0].reason}"


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


def end_of(counts: Mapping[str, int], *, cancelled: bool = False) -> str:
    """How a request ends whose runs ended so: a city without data is an answer, not a failure.

    `cancelled`: somebody stopped all of it. Single runs that were taken out say nothing about the others.
    """
    others = counts.get("succeeded", 0) + counts.get("no_data", 0)
    if counts.get("cancelled") and (cancelled or (not others and not counts.get("failed"))):
        return "cancelled"
    if not counts.get("failed"):
        return "finished"
    return "finished_with_failures" if others else "failed"


def _first(runs: Sequence[OpenRun], canaries: Sequence[int]) -> Sequence[OpenRun]:
    tried = [run for run in runs if run.id in canaries]
    return tried or runs


def _sendable(runs: Sequence[OpenRun], now: datetime, room: int) -> tuple[int, ...]:
    waiting = [run for run in runs if run.status == "waiting" and not run.behind]
    due = [run.id for run in waiting if run.not_before is None or run.not_before <= now]
    return tuple(due[: max(room, 0)])


def _unclaimed(run: OpenRun, now: datetime, limits: Limits) -> bool:
    """Waits longer each time: behind busy workers a repeated message would only lengthen the queue."""
    patience = min(limits.resend_after * 2 ** min(max(run.sends - 1, 0), 16), LONGEST_PAUSE)
    return run.sent_at is None or run.sent_at + patience < now


def _kind_of(reason: str) -> str:
    """Two reasons that differ only in their numbers are one."""
    return re.sub(r"\d+", "#", reason)


def _past(moment: datetime | None, now: datetime) -> bool:
    return moment is None or moment < now
