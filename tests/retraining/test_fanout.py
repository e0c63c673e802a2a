"""The plan of what to do next with a request's open runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.retraining.fanout import (
    LONGEST_PAUSE,
    Ended,
    Limits,
    OpenRun,
    Plan,
    batches,
    end_of,
    may_retry,
    pause_before_retry,
    plan,
    why_to_hold,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMITS = Limits(room=10, max_tries=3, resend_after=30 * SECOND)


def test_what_waits_is_sent() -> None:
    assert plan([OpenRun(1, "waiting"), OpenRun(2, "waiting")], NOW, LIMITS) == Plan(send=(1, 2))


def test_no_more_is_sent_than_there_is_room() -> None:
    runs = [OpenRun(run_id, "waiting") for run_id in range(20)]
    assert plan(runs, NOW, LIMITS).send == tuple(range(10))
    assert plan(runs, NOW, replace(LIMITS, room=-3)).send == ()


def test_a_run_that_backs_off_waits_until_its_time() -> None:
    early, due = OpenRun(1, "waiting", not_before=NOW + SECOND), OpenRun(2, "waiting", not_before=NOW)
    assert plan([early, due], NOW, LIMITS).send == (2,)


def test_a_message_that_nobody_took_is_sent_again_later_each_time() -> None:
    fresh = OpenRun(1, "sent", sends=1, sent_at=NOW - 29 * SECOND)
    assert plan([fresh], NOW, LIMITS) == Plan()
    assert plan([fresh], NOW + 2 * SECOND, LIMITS) == Plan(resend=(1,))
    assert plan([replace(fresh, sends=2)], NOW + 2 * SECOND, LIMITS) == Plan()


def test_a_lost_lease_goes_back_until_the_tries_are_used_up() -> None:
    lost = OpenRun(1, "running", tries=2, lease_until=NOW - SECOND)
    assert plan([lost], NOW, LIMITS) == Plan(retry=(1,))
    assert plan([replace(lost, tries=3)], NOW, LIMITS) == Plan(give_up=(1,), finish=True)


def test_a_run_with_a_lease_is_left_alone() -> None:
    assert plan([OpenRun(1, "running", tries=1, lease_until=NOW + SECOND)], NOW, LIMITS) == Plan()


def test_a_request_without_open_runs_is_finished() -> None:
    assert plan([], NOW, LIMITS) == Plan(finish=True)


def test_cancelling_ends_what_no_worker_holds_and_waits_for_the_others() -> None:
    runs = [OpenRun(1, "waiting"), OpenRun(2, "sent"), OpenRun(3, "running", lease_until=NOW + SECOND)]
    runs = [replace(run, cancelling=True) for run in runs]
    assert plan(runs, NOW, LIMITS) == Plan(cancel=(1, 2))
    assert plan(runs, NOW + 2 * SECOND, LIMITS) == Plan(cancel=(1, 2, 3), finish=True)


def test_a_segment_that_is_taken_out_ends_and_the_others_go_on() -> None:
    runs = [OpenRun(1, "waiting", cancelling=True), OpenRun(2, "waiting"), OpenRun(3, "sent", cancelling=True)]
    assert plan(runs, NOW, LIMITS) == Plan(send=(2,), cancel=(1, 3))


def test_nothing_is_sent_of_a_held_request_and_what_nobody_took_is_recalled() -> None:
    running = OpenRun(3, "running", tries=1, lease_until=NOW + SECOND)
    assert plan([OpenRun(1, "waiting"), OpenRun(2, "sent"), running], NOW, LIMITS, held=True) == Plan(recall=(2,))


def test_a_held_request_whose_worker_is_gone_keeps_the_run_for_later() -> None:
    lost = OpenRun(1, "running", tries=1, lease_until=NOW - SECOND)
    assert plan([lost], NOW, LIMITS, held=True) == Plan(retry=(1,))


def test_nothing_but_the_canaries_is_sent_until_they_have_ended() -> None:
    runs = [OpenRun(run_id, "waiting") for run_id in (1, 2, 3, 4)]
    assert plan(runs, NOW, LIMITS, canaries=[1, 2]) == Plan(send=(1, 2))
    assert plan(runs[1:], NOW, LIMITS, canaries=[1, 2]) == Plan(send=(2,))
    assert plan(runs[2:], NOW, LIMITS, canaries=[1, 2]) == Plan(send=(3, 4))


def test_a_segment_that_an_earlier_request_still_trains_waits_for_it() -> None:
    assert plan([OpenRun(1, "waiting", behind=True), OpenRun(2, "waiting")], NOW, LIMITS) == Plan(send=(2,))


def _failed(*reasons: str, cause: str = "exit") -> list[Ended]:
    return [Ended(number, "failed", cause, reason, f"City {number}") for number, reason in enumerate(reasons, 1)]


def test_the_same_failure_again_and_again_holds_the_request() -> None:
    same = _failed("column 7 is missing", "column 12 is missing", "column 9 is missing")
    why = why_to_hold(same, stop_after=3)
    assert why == "3 segments in a row failed for the same reason: column 7 is missing"
    assert why_to_hold(same, stop_after=4) == ""
    assert why_to_hold(same, stop_after=0) == ""


def test_different_failures_or_a_success_between_them_hold_nothing() -> None:
    assert why_to_hold(_failed("no column", "no memory", "no column"), stop_after=3) == ""
    between = [*_failed("no column"), Ended(8, "succeeded"), *_failed("no column")]
    assert why_to_hold(between, stop_after=2) == ""


def test_one_failed_canary_holds_the_request() -> None:
    ended = [Ended(2, "succeeded"), Ended(1, "failed", "exit", "no column", "Atlanta")]
    assert (
        why_to_hold(ended, stop_after=5, canaries=[1, 2]) == "Atlanta ran first, to try this out, and failed: no column"
    )
    assert why_to_hold(ended, stop_after=5) == ""


@pytest.mark.parametrize(
    ("counts", "end"),
    [
        ({"succeeded": 3}, "finished"),
        ({"succeeded": 3, "no_data": 1}, "finished"),
        ({"no_data": 1}, "finished"),
        ({"succeeded": 3, "failed": 1}, "finished_with_failures"),
        ({"no_data": 3, "failed": 1}, "finished_with_failures"),
        ({"failed": 1}, "failed"),
        ({"succeeded": 3, "cancelled": 1}, "finished"),
        ({"succeeded": 3, "failed": 1, "cancelled": 1}, "finished_with_failures"),
        ({"cancelled": 2}, "cancelled"),
    ],
)
def test_how_a_request_ends_follows_from_how_its_runs_ended(counts: dict[str, int], end: str) -> None:
    assert end_of(counts) == end


def test_a_request_that_was_stopped_ends_as_cancelled_whatever_ended_before() -> None:
    assert end_of({"succeeded": 3, "failed": 1, "cancelled": 1}, cancelled=True) == "cancelled"
    assert end_of({"succeeded": 3}, cancelled=True) == "finished"


@pytest.mark.parametrize("cause", ["exit", "timeout", "memory", "output", "no-data", "cancelled", ""])
def test_what_the_script_did_itself_is_not_tried_again(cause: str) -> None:
    assert not may_retry(cause, tries=1, max_tries=3)


@pytest.mark.parametrize("cause", ["lost", "start", "signal", "store", "portal"])
def test_what_befell_the_script_is_tried_again_up_to_the_limit(cause: str) -> None:
    assert may_retry(cause, tries=2, max_tries=3)
    assert not may_retry(cause, tries=3, max_tries=3)


@given(st.integers(0, 10_000), st.integers(0, 2**40))
def test_pauses_grow_and_stay_bounded(tries: int, run_id: int) -> None:
    pause = pause_before_retry(tries, run_id, 2 * SECOND)
    assert 2 * SECOND <= pause <= LONGEST_PAUSE * 1.25
    assert pause_before_retry(tries + 2, run_id, 2 * SECOND) >= pause


@given(st.lists(st.integers(), max_size=300, unique=True))
def test_every_id_is_in_one_small_batch(ids: list[int]) -> None:
    assert [run_id for batch in batches(ids) for run_id in batch] == ids
    assert all(1 <= len(batch) <= 4 for batch in batches(ids))


moments = st.none() | st.integers(-2_000, 2_000).map(lambda seconds: NOW + seconds * SECOND)
runs = st.lists(
    st.builds(
        OpenRun,
        id=st.integers(1, 10**9),
        status=st.sampled_from(["waiting", "sent", "running"]),
        tries=st.integers(0, 6),
        sends=st.integers(0, 40),
        sent_at=moments,
        not_before=moments,
        lease_until=moments,
        cancelling=st.booleans(),
        behind=st.booleans(),
    ),
    max_size=30,
    unique_by=lambda run: run.id,
)
limits = st.builds(Limits, room=st.integers(-5, 40), max_tries=st.integers(1, 5), resend_after=st.just(30 * SECOND))


@given(runs, limits, st.booleans())
def test_in_every_mixture_each_run_gets_at_most_one_decision_that_fits_it(
    runs: list[OpenRun], limits: Limits, on_hold: bool
) -> None:
    decided = plan(runs, NOW, limits, held=on_hold)
    lists = [decided.send, decided.resend, decided.recall, decided.retry, decided.give_up, decided.cancel]
    ids = [run_id for ids in lists for run_id in ids]
    assert len(ids) == len(set(ids))
    assert len(decided.send) <= max(limits.room, 0)
    by_id = {run.id: run for run in runs}
    assert all(by_id[run_id].status == "waiting" for run_id in decided.send)
    assert all(by_id[run_id].status == "sent" for run_id in decided.resend)
    assert all(by_id[run_id].status == "running" for run_id in (*decided.retry, *decided.give_up))
    held = {run.id for run in runs if run.status == "running" and run.lease_until and run.lease_until >= NOW}
    assert not held.intersection(ids)
    assert not (on_hold and (decided.send or decided.resend))
    assert all(by_id[run_id].cancelling for run_id in decided.cancel)
    assert not any(by_id[run_id].cancelling for run_id in ids if run_id not in decided.cancel)
    assert decided.finish == (len(decided.give_up) + len(decided.cancel) == len(runs))


@given(st.lists(st.sampled_from(["claim", "succeed", "die", "lose the message"]), max_size=400), st.integers(1, 12))
def test_whatever_befalls_workers_and_messages_every_run_ends(events: list[str], size: int) -> None:
    """Plays the engine against a world of accidents, and then against one without: it always comes to an end."""
    world = {run_id: OpenRun(run_id, "waiting") for run_id in range(size)}
    now = NOW
    for event in [*events, *["claim", "succeed"] * (8 * size)]:
        now += 5 * SECOND
        _drive(world, now)
        _happen(world, event, now)
        _happen(world, "succeed" if event == "claim" else event, now)
    for _ in range(200):
        now += LONGEST_PAUSE
        _drive(world, now)
        _happen(world, "claim", now)
        _happen(world, "succeed", now)
    assert not world


def _drive(world: dict[int, OpenRun], now: datetime) -> None:
    decided = plan(list(world.values()), now, LIMITS)
    for run_id in (*decided.send, *decided.resend):
        world[run_id] = replace(world[run_id], status="sent", sends=world[run_id].sends + 1, sent_at=now)
    for run_id in decided.retry:
        pause = pause_before_retry(world[run_id].tries, run_id, 2 * SECOND)
        world[run_id] = replace(world[run_id], status="waiting", sends=0, lease_until=None, not_before=now + pause)
    for run_id in decided.give_up:
        del world[run_id]


def _happen(world: dict[int, OpenRun], event: str, now: datetime) -> None:
    sent = [run for run in world.values() if run.status == "sent"]
    held = [run for run in world.values() if run.status == "running" and run.lease_until and run.lease_until > now]
    if event == "claim" and sent:
        world[sent[0].id] = replace(sent[0], status="running", tries=sent[0].tries + 1, lease_until=now + 15 * SECOND)
    if event == "succeed" and held:
        del world[held[0].id]
