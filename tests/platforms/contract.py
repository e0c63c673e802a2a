"""What every Platform has to do, whoever runs it; a test class of a platform inherits it and gives a rig."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from apps.platforms.base import Order, Phase, Platform, State
from apps.platforms.calling import NotSignedIn, Stranger
from apps.platforms.outgoing import Refused, Unreachable

AGES_AGO = datetime.now(UTC) - timedelta(hours=1)
LOOKS = 400
HARMS = ("down", "500", "garbage", "slow")


class Rig(Protocol):
    """A platform with something behind it that tests can look into and harm."""

    platform: Platform
    workflow: str  # one that is there
    tag: str  # which it has

    def order(self, mode: str = "succeed") -> Order:
        """One of its own for each call, that will `succeed`, `fail`, or `work` until it is ended."""
        ...

    def keys(self) -> Collection[str]:
        """Of all that was started there, each as often as it was."""
        ...

    def forget(self) -> None:
        """What was started is gone, as if somebody had deleted it there."""
        ...

    def harm(self, harm: str) -> AbstractContextManager[None]:
        """Meanwhile it is `down`, answers only `500` or `garbage`, or is too `slow` for the platform's patience."""
        ...

    def losing_answers(self) -> AbstractContextManager[None]:
        """Meanwhile it does what it is asked, and answers 502."""
        ...

    def stranger(self) -> Platform:
        """The same with a credential that is wrong."""
        ...


class PlatformContract:
    @pytest.fixture
    def rig(self) -> Rig:
        raise NotImplementedError("Give a fixture `rig`.")

    def test_an_order_that_is_sent_twice_runs_once(self, rig: Rig) -> None:
        order = rig.order()
        rig.platform.submit(order)
        rig.platform.submit(order)
        assert list(rig.keys()) == [order.handed.key]

    def test_an_order_whose_answer_was_lost_runs_once(self, rig: Rig) -> None:
        order = rig.order()
        with rig.losing_answers(), suppress(Unreachable):
            rig.platform.submit(order)
        rig.platform.submit(order)
        assert list(rig.keys()) == [order.handed.key]

    def test_an_order_that_was_not_taken_is_in_doubt_and_can_be_sent_again(self, rig: Rig) -> None:
        order = rig.order()
        with rig.harm("500"), pytest.raises(Unreachable):
            rig.platform.submit(order)
        assert not rig.keys()
        rig.platform.submit(order)
        assert list(rig.keys()) == [order.handed.key]

    def test_a_run_of_that_key_with_other_parameters_is_not_ours(self, rig: Rig) -> None:
        order = rig.order()
        rig.platform.submit(order)
        with pytest.raises(Refused):
            rig.platform.submit(replace(order, params={**order.params, "city": "boston"}))

    def test_states_are_told_until_the_end_with_their_results_and_reasons(self, rig: Rig) -> None:
        good, bad = rig.order(), rig.order("fail")
        for order in (good, bad):
            rig.platform.submit(order)
        state = until(rig, good, Phase.SUCCEEDED)
        assert state.started_at
        assert state.started_at.tzinfo
        report = rig.platform.report(good.handed, state)
        assert report.result
        assert not report.reason
        assert rig.platform.report(bad.handed, until(rig, bad, Phase.FAILED)).reason

    def test_many_are_asked_about_at_once(self, rig: Rig) -> None:
        orders = [rig.order("work") for _ in range(3)]
        for order in orders:
            rig.platform.submit(order)
        told = rig.platform.states([order.handed for order in orders[:2]], AGES_AGO)
        assert set(told) == {order.handed.key for order in orders[:2]}

    def test_a_run_that_nobody_knows_has_no_state(self, rig: Rig) -> None:
        order = rig.order("work")
        rig.platform.submit(order)
        rig.forget()
        assert rig.platform.state(order.handed) is None
        assert rig.platform.states([order.handed], AGES_AGO) == {}
        rig.platform.cancel(order.handed, "Nobody wants it.")
        rig.platform.retry(order)
        assert list(rig.keys()) == [order.handed.key]

    def test_a_log_is_told_once(self, rig: Rig) -> None:
        order = rig.order("fail")
        rig.platform.submit(order)
        until(rig, order, Phase.FAILED)
        first = rig.platform.log(order.handed, "")
        assert first.text
        assert rig.platform.log(order.handed, first.cursor).text == ""

    def test_cancelling_ends_it_and_can_be_said_twice(self, rig: Rig) -> None:
        order = rig.order("work")
        rig.platform.submit(order)
        for _ in range(2):
            rig.platform.cancel(order.handed, "Cancelled in the portal.")
        until(rig, order, Phase.FAILED)
        rig.platform.cancel(order.handed, "Cancelled in the portal.")

    def test_a_retry_goes_on_with_what_failed(self, rig: Rig) -> None:
        order = rig.order("fail")
        rig.platform.submit(order)
        until(rig, order, Phase.FAILED)
        rig.platform.retry(order)
        state = rig.platform.state(order.handed)
        assert state is not None
        rig.platform.retry(order)
        assert len(set(rig.keys())) == 1

    def test_workflows_are_found_by_tag_and_say_their_parameters(self, rig: Rig) -> None:
        assert rig.workflow in [one.name for one in rig.platform.workflows(rig.tag)]
        assert rig.platform.workflows("no-such-tag") == []
        assert rig.platform.workflow(rig.workflow).schema["properties"]
        with pytest.raises(Refused):
            rig.platform.workflow("nothing-of-that-name")

    @pytest.mark.parametrize("harm", HARMS)
    def test_in_trouble_it_says_nothing_about_its_runs(self, rig: Rig, harm: str) -> None:
        order = rig.order("work")
        rig.platform.submit(order)
        with rig.harm(harm):
            with pytest.raises((Unreachable, Stranger)):
                rig.platform.states([order.handed], AGES_AGO)
            with pytest.raises((Unreachable, Stranger)):
                rig.platform.state(order.handed)
        assert rig.platform.state(order.handed) is not None

    def test_a_wrong_credential_is_told_as_that(self, rig: Rig) -> None:
        with pytest.raises(NotSignedIn):
            rig.stranger().submit(rig.order())
        assert not rig.keys()


def until(rig: Rig, order: Order, phase: Phase) -> State:
    for _ in range(LOOKS):
        state = rig.platform.states([order.handed], AGES_AGO).get(order.handed.key)
        if state and state.phase is phase:
            return state
    raise AssertionError(f"it never was {phase}")
