"""Segment runs that a platform has: handed over once, then looked after in short calls; between the door and actions.

What the platform did is never guessed: an order whose answer was lost is sent again under the same key, and a run that
can not be asked about stays as it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from apps.core.errors import PortalError
from apps.platforms import queries as platforms
from apps.platforms.base import End, Outcome, Phase, Platform, Report, State
from apps.platforms.calling import NotSignedIn, Stranger
from apps.platforms.outgoing import Refused, Unreachable
from apps.retraining import actions
from apps.retraining.holds import Abroad, abroad, connection_name_of, last_look
from apps.retraining.models import SegmentRun
from apps.retraining.results import LONGEST_NAME, METRICS, MOST

log = structlog.get_logger(__name__)
CLOCKS_APART = timedelta(seconds=15)  # beyond that, what changed is found by asking about each run by itself
UNSEEN = timedelta(seconds=60)  # after which a single run is asked about by itself
QUEUED_LONG = timedelta(seconds=60)
ENOUGH_DOUBTS = 2  # unanswered calls after which the others wait for the next look
AWAY = "Waits for the platform, which does not answer at the moment."
RESULT = "result.json"
NO_DATA, SIGNALS = "no_data", "signals"
MOST_SIGNALS = 20
Each = Callable[[Abroad, Platform], None]
LATER = (Unreachable, NotSignedIn, Stranger)
"""Says nothing about the run: the platform is away, does not know us at the moment, or answers garbage."""


def hand_over(run_ids: Sequence[int]) -> None:
    """Claims sent runs of one request and gives each to its platform; one that is away is only asked by `attend`."""
    held = [one for one in map(_claimed, run_ids) if one is not None]
    if held and platforms.is_out_of_reach(held[0].connection_id):
        for one in held:
            actions.put_off(held=one, message=AWAY)
    elif held:
        _with_platform(held, _send)


def attend(connection_id: int) -> None:
    """Looks after every run of a connection that nobody else looks after: one call asks about all of them."""
    held = actions.take_due(connection_id=connection_id)
    if not held:
        return
    news: dict[str, State] = {}

    def one_after_the_other(one: Abroad, platform: Platform) -> None:
        _look_after(one, platform, news.get(one.handed.key))

    def ask(platform: Platform) -> None:
        accepted = [one for one in held if one.accepted_at]
        if accepted:
            moment = last_look(accepted) - CLOCKS_APART
            news.update(platform.states([one.handed for one in accepted], moment))

    _with_platform(held, one_after_the_other, first=ask)


def _with_platform(held: Sequence[Abroad], each: Each, *, first: Callable[[Platform], None] | None = None) -> None:
    """Whatever is wrong with the platform is told by every run that waits for it."""
    try:
        platform = platforms.platform_at(held[0].connection_id)
        if first:
            first(platform)
    except (Refused, Unreachable, PortalError) as error:
        for one in held:
            actions.put_off(held=one, message=f"Waits for the platform: {error}")
        return
    away: list[Abroad] = []
    for one in held:
        if len(away) < ENOUGH_DOUBTS:
            away += [] if _guarded(one, platform, each) else [one]
        else:
            actions.put_off(held=one, message=AWAY)


def _guarded(one: Abroad, platform: Platform, each: Each) -> bool:
    """What goes wrong with one run keeps none of the others waiting; False where the platform itself is away."""
    try:
        each(one, platform)
    except LATER as error:
        actions.put_off(held=one, message=f"Waits for the platform: {error}")
        return False
    except Refused as error:
        _end(one, End.FAILED, "refused", str(error))
    except PortalError as error:
        _end(one, End.FAILED, "portal", error.message)
    return True


def _claimed(run_id: int) -> Abroad | None:
    try:
        claim = actions.claim(run_id=run_id, worker=connection_name_of(run_id))
    except PortalError as error:
        actions.refuse(run_id=run_id, reason=error.message)
        return None
    found = abroad(segment_run=claim.run_id, number=claim.attempt) if claim else []
    return found[0] if found else None


def _send(one: Abroad, platform: Platform) -> None:
    if one.is_again:
        platform.retry(one.order)
    else:
        platform.submit(one.order)
    actions.note_accepted(held=one)


def _look_after(one: Abroad, platform: Platform, state: State | None) -> None:
    if one.accepted_at is None:
        _settle_hand_over(one, platform)
        return
    unseen = one.seen_at is None or one.now - one.seen_at > UNSEEN
    if state is None and (unseen or one.cancelling):
        state = platform.state(one.handed)
        if state is None:
            _forgotten(one)
            return
    _go_on(one, platform, state or State(Phase(one.phase or "queued")), was_named=state is not None)


def _settle_hand_over(one: Abroad, platform: Platform) -> None:
    """Nobody knows whether the platform has it; what was cancelled meanwhile is not sent to find out."""
    if not one.cancelling:
        _send(one, platform)
        return
    state = platform.state(one.handed)
    if state is None or (one.is_again and state.phase is Phase.FAILED):
        _end(one, End.CANCELLED, "cancelled", "It was cancelled before the platform began it.")
    else:
        actions.note_accepted(held=one)


def _go_on(one: Abroad, platform: Platform, state: State, *, was_named: bool) -> None:
    if state.phase in (Phase.SUCCEEDED, Phase.FAILED):
        _ended(one, platform, state)
        return
    if one.cancelling and one.end_asked_at is None:
        platform.cancel(one.handed, f"Cancelled in the portal. {one.order.note}")
        actions.note_end_asked(held=one, message="Stopping: the platform was told, its processes end within seconds.")
        return
    if _overdue(one, state):
        platform.cancel(one.handed, f"Ended by the portal: longer than its limit. {one.order.note}")
        _end(one, End.FAILED, "timeout", f"It ran longer than its limit of {one.seconds:g} seconds.")
        return
    if state.phase is Phase.RUNNING and one.log_is_due:
        actions.note_log(held=one, chunk=platform.log(one.handed, one.log_cursor))
    if was_named:
        actions.note_state(held=one, state=state, message=_message(one, state))
    else:
        actions.note_unchanged(held=one, message=_message(one, state))


def _ended(one: Abroad, platform: Platform, state: State) -> None:
    if one.end_asked_at is not None and state.phase is Phase.FAILED:
        if one.now - one.end_asked_at < timedelta(seconds=platform.stopping_seconds):
            actions.put_off(held=one, message="Stopping: the platform was told, its processes end within seconds.")
            return
        _read_log(one, platform)
        _end(one, End.CANCELLED, "cancelled", "It was cancelled.")
        return
    _read_log(one, platform)
    _hand_in(one, platform.report(one.handed, state), state)


def _read_log(one: Abroad, platform: Platform) -> None:
    """A log that the platform refuses to show keeps nothing open; one that can not be had now is waited for."""
    try:
        actions.note_log(held=one, chunk=platform.log(one.handed, one.log_cursor))
    except NotSignedIn:
        raise
    except Refused as error:
        log.warning("retraining.log_refused", key=one.handed.key, error=str(error))


def _hand_in(one: Abroad, report: Report, state: State) -> None:
    if state.phase is Phase.FAILED:
        _end(one, End.FAILED, "exit", report.reason)
        return
    _tell_signals(one, report.result.get(SIGNALS))
    said = report.result.get(NO_DATA)
    if isinstance(said, str) and said.strip():
        _end(one, End.NO_DATA, "no-data", said.strip()[:300])
        return
    with TemporaryDirectory(prefix="portal-result-") as folder:
        files = _files(Path(folder), report.result)
        actions.finish(claim=one, outcome=Outcome(End.SUCCEEDED, "", "", 0.0, files, ""))


def _tell_signals(one: Abroad, said: object) -> None:
    """What a workflow says of the data it saw, in the requester's name; told before the end, so that none is lost."""
    run = SegmentRun.objects.select_related("request__requester", "request__family__team", "segment").get(pk=one.run_id)
    for signal in said[:MOST_SIGNALS] if isinstance(said, list) else ():
        body = signal if isinstance(signal, Mapping) and "report" in signal else {"report": signal}
        try:
            actions.receive_signal(
                actor=run.request.requester,
                family=run.request.family,
                segment=run.segment,
                source=str(body.get("source", "api")),
                report=body["report"],
                observed_at=one.started_at,
            )
        except PortalError as error:
            log.warning("retraining.signal_refused", key=one.handed.key, error=error.message)


def _end(one: Abroad, end: End, cause: str, reason: str) -> None:
    actions.finish(claim=one, outcome=Outcome(end, cause, reason, 0.0, {}, ""))


def _forgotten(one: Abroad) -> None:
    reason = f"The platform no longer knows {one.handed.key}: somebody deleted it there, or it has lost it."
    _end(one, End.CANCELLED if one.cancelling else End.FAILED, "lost", reason)


def _overdue(one: Abroad, state: State) -> bool:
    """Only what runs uses time up; what waits there is the platform's affair, and told."""
    return state.started_at is not None and one.now - state.started_at > timedelta(seconds=one.seconds)


def _message(one: Abroad, state: State) -> str:
    if state.phase is Phase.RUNNING or one.accepted_at is None:
        return "Runs on the platform."
    waits = one.now - one.accepted_at
    if waits < QUEUED_LONG:
        return "Accepted, and not started yet."
    trouble = platforms.trouble_of(one.connection_id)
    said = f"Accepted {waits // timedelta(minutes=1)} min ago, still queued"
    return f"{said}: {trouble[:1].lower()}{trouble[1:]}" if trouble else f"{said} there."


def _files(folder: Path, result: Mapping[str, Any]) -> dict[str, Path]:
    """The result as it came, and the numbers in it as metrics, as a script of ours would have written them."""
    named = result.get("metrics")
    told = named if isinstance(named, Mapping) else result
    numbers = {name: value for name, value in list(told.items())[:MOST] if _fits(name, value)}
    said = {name: value for name, value in {RESULT: result, METRICS: numbers}.items() if value}
    for name, value in said.items():
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    return {name: folder / name for name in said}


def _fits(name: object, value: object) -> bool:
    plain = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable()
    return plain and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
