"""Why an open request does not go faster: a sentence for each reason; pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.core.figures import duration

QUEUED_LONG = 60.0  # seconds that a platform may take to start what it has accepted
LATE = 0.8  # of its time limit: a run that has used so much is told


@dataclass(frozen=True)
class Standing:
    """One request's open runs by what they wait for, and how much room there is; times in seconds."""

    ready: int = 0  # could be sent, were there room
    pausing: int = 0  # tried again after a pause
    next_try: float = 0.0  # until the first of these
    behind: int = 0  # their segment is still trained by an earlier request
    earlier: int = 0  # the first of these requests
    sent: int = 0  # no worker has taken them yet
    running: int = 0
    silent: int = 0  # running, as far as is known, but nothing was heard for a while
    longest: float = 0.0  # how long the first of those that run has
    may_take: float = 0.0  # a run's time limit
    trying_out: bool = False  # a canary has not ended
    stopping: bool = False
    held_because: str = ""
    slots: int = 0  # how many runs all workers train at a time
    in_use: int = 0  # of them, by anybody
    platform: str = ""  # who runs it, where that are no workers of ours
    trouble: str = ""  # what is wrong there, in a sentence
    queued: int = 0  # the platform has them, and has started none of them
    queued_for: float = 0.0  # how long the first of these has been there
    pipeline: str = ""
    pipeline_room: int = 1  # how many more may be on their way
    team: str = ""
    team_room: int = 1


def why_it_waits(standing: Standing) -> list[str]:
    """What keeps it from going faster, the whole before the parts; nothing where all of it simply runs."""
    if standing.stopping:
        return [f"Stopping: {_runs(standing.running, 'is', 'are')} being ended."] if standing.running else []
    return [*_kept_back(standing), *_what_runs(standing)]


def _kept_back(standing: Standing) -> Iterator[str]:
    if standing.held_because:
        yield f"Held: {standing.held_because}"
    elif standing.ready + standing.sent and not standing.slots and not standing.platform:
        yield "No worker that trains is alive."
    elif standing.ready:
        yield from _no_room(standing)
    if standing.sent and not standing.platform and standing.slots and standing.in_use >= standing.slots:
        yield f"{_runs(standing.sent, 'waits', 'wait')} for a free worker: {_places(standing.slots)} in use."
    if standing.behind:
        yield f"{_runs(standing.behind, 'waits', 'wait')} for request #{standing.earlier}, which has the same segment."
    if standing.pausing:
        yield f"{_runs(standing.pausing, 'is', 'are')} tried again, the first in {duration(standing.next_try)}."


def _no_room(standing: Standing) -> Iterator[str]:
    if standing.trying_out:
        yield f"{_runs(standing.ready, 'waits', 'wait')} for the canary to end."
    elif standing.pipeline_room <= 0:
        yield f"{_runs(standing.ready, 'waits', 'wait')}: {standing.pipeline} has as many on their way as it may."
    elif standing.team_room <= 0:
        yield f"{_runs(standing.ready, 'waits', 'wait')}: {standing.team} has as many on their way as it may."


def _what_runs(standing: Standing) -> Iterator[str]:
    if standing.platform:
        yield from _at_the_platform(standing)
        return
    if standing.silent:
        have = _runs(standing.silent, "has", "have")
        yield f"{have} been silent for a while: a worker may be gone. When its lease is over, that is tried again."
    if standing.may_take and standing.longest > LATE * standing.may_take:
        yield f"The longest has run for {duration(standing.longest)} and is ended after {duration(standing.may_take)}."


def _places(slots: int) -> str:
    return "its one place is" if slots == 1 else "both places are" if slots == 2 else f"all {slots} places are"


def _at_the_platform(standing: Standing) -> Iterator[str]:
    """What was accepted there and does not start is told with what the connection's last test found."""
    why = f": {standing.trouble[:1].lower()}{standing.trouble[1:]}" if standing.trouble else "."
    if standing.queued and standing.queued_for > QUEUED_LONG:
        waits = f"{_runs(standing.queued, 'waits', 'wait')} in {standing.platform}"
        yield f"{waits}, the first for {duration(standing.queued_for)}{why}"
    elif standing.trouble:
        yield f"{standing.platform} is in trouble{why}"


def _runs(number: int, one: str, many: str) -> str:
    return f"1 run {one}" if number == 1 else f"{number} runs {many}"
