"""What every Platform has to do, whoever runs it: Airflow 3 and Airflow 2, by what real ones answered."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from apps.platforms.airflow import Airflow, airflow
from apps.platforms.airflow.client import _sessions
from apps.platforms.base import Handed, Order, Phase, Platform
from apps.platforms.calling import NotSignedIn, Stranger
from apps.platforms.outgoing import Refused, Unreachable
from portal.local.ports import free_port
from tests.platforms.fake_airflow import PASSWORD, Fake, fake_airflow

AGES_AGO = datetime.now(UTC) - timedelta(hours=1)
Place = Callable[..., Order]


@pytest.fixture(params=[2, 1], ids=["airflow-3", "airflow-2"])
def fake(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with fake_airflow(request.param) as made:
        yield made
    _sessions.clear()


@pytest.fixture
def platform(fake: Fake) -> Platform:
    return airflow(fake.address, PASSWORD)


@pytest.fixture
def place() -> Place:
    """An order of its own for each call; further arguments are parameters."""

    def make(mode: str = "succeed", **more: object) -> Order:
        params = {"city": "atlanta", "ticket": "ML-1", "mode": mode, **more}
        return Order(Handed("retrain_city", f"portal-{uuid4()}-1"), params, "Requested by ada in request #1.")

    return make


def until(platform: Platform, order: Order, phase: Phase) -> None:
    for _ in range(5):
        state = platform.states([order.handed], AGES_AGO).get(order.handed.key)
        if state and state.phase is phase:
            return
    raise AssertionError(f"it never was {phase}")


def test_an_order_that_is_sent_twice_runs_once(platform: Platform, fake: Fake, place: Place) -> None:
    order = place()
    platform.submit(order)
    platform.submit(order)
    assert list(fake.runs) == [order.handed.key]
    run = fake.runs[order.handed.key]
    assert (run["conf"], run["note"]) == (dict(order.params), "Requested by ada in request #1.")


@pytest.mark.parametrize("status", [500, 502, 429])
def test_an_order_that_was_taken_with_an_error_is_read_back(
    platform: Platform, fake: Fake, place: Place, status: int
) -> None:
    fake.answers_after_accepting = status
    platform.submit(place())
    assert len(fake.runs) == 1


def test_an_order_that_was_not_taken_is_in_doubt_and_can_be_sent_again(
    platform: Platform, fake: Fake, place: Place
) -> None:
    order = place()
    fake.refuses = 500
    with pytest.raises(Unreachable):
        platform.submit(order)
    assert not fake.runs
    fake.refuses = 0
    platform.submit(order)
    assert len(fake.runs) == 1


def test_a_time_out_after_which_the_run_is_there_is_no_failure(
    platform: Platform, fake: Fake, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(platform, Airflow)
    order, slow = place(), 1.0
    monkeypatch.setattr(platform.server, "seconds", slow / 4)
    fake.slow = slow
    with pytest.raises(Unreachable, match="does not answer"):
        platform.submit(order)
    fake.slow = 0
    monkeypatch.undo()
    platform.submit(order)
    assert list(fake.runs) == [order.handed.key]


def test_a_run_of_that_key_with_other_parameters_is_not_ours(platform: Platform, fake: Fake, place: Place) -> None:
    order = place()
    platform.submit(order)
    with pytest.raises(Refused, match="other parameters"):
        platform.submit(Order(order.handed, {"city": "boston"}))


def test_what_the_platform_refuses_is_told_in_its_words(platform: Platform, fake: Fake, place: Place) -> None:
    with pytest.raises(Refused, match="Invalid input for param lookback_days: 99 is wrong"):
        platform.submit(place(lookback_days=99))
    fake.may_trigger = False
    with pytest.raises(Refused, match="does not let the portal's account"):
        platform.submit(place())


def test_states_are_told_until_the_end(platform: Platform, place: Place) -> None:
    good, bad = place(), place("fail")
    platform.submit(good)
    platform.submit(bad)
    until(platform, good, Phase.SUCCEEDED)
    until(platform, bad, Phase.FAILED)
    state = platform.state(good.handed)
    assert state
    assert state.started_at
    assert state.started_at.tzinfo


def test_many_runs_are_asked_about_in_one_call(fake: Fake, platform: Platform, place: Place) -> None:
    orders = [place() for _ in range(5)]
    for order in orders:
        platform.submit(order)
    before = len(fake.calls)
    assert len(platform.states([order.handed for order in orders], AGES_AGO)) == 5
    if fake.dialect == 2:
        assert len(fake.calls) == before + 1


def test_a_run_that_nobody_knows_has_no_state(platform: Platform, fake: Fake, place: Place) -> None:
    order = place()
    platform.submit(order)
    fake.runs.clear()
    assert platform.state(order.handed) is None
    assert platform.states([order.handed], AGES_AGO) == {}
    platform.cancel(order.handed, "Nobody wants it.")


def test_a_log_is_told_once_and_in_the_order_of_the_tasks(platform: Platform, fake: Fake, place: Place) -> None:
    order = place("work")
    platform.submit(order)
    until(platform, order, Phase.RUNNING)
    first = platform.log(order.handed, "")
    assert "extract of atlanta begins" in first.text
    assert "::group::" not in first.text or fake.dialect == 1
    fake.runs[order.handed.key] |= {"state": "failed", "end_date": "2026-11-22T05:38:00Z"}
    second = platform.log(order.handed, first.cursor)
    assert "ValueError: training failed on purpose" in second.text
    assert "extract of atlanta" not in second.text
    assert platform.log(order.handed, second.cursor).text == ""


def test_the_result_is_what_the_last_task_returned(platform: Platform, place: Place) -> None:
    order = place()
    platform.submit(order)
    until(platform, order, Phase.SUCCEEDED)
    state = platform.state(order.handed)
    assert state
    assert platform.report(order.handed, state).result == {"mape": 0.123, "city": "atlanta"}


def test_a_failure_names_its_task_and_its_error(platform: Platform, place: Place) -> None:
    order = place("fail")
    platform.submit(order)
    until(platform, order, Phase.FAILED)
    state = platform.state(order.handed)
    assert state
    reason = platform.report(order.handed, state).reason
    assert reason == "The task train failed: ValueError: training failed on purpose."


def test_cancelling_ends_it_and_says_who_wanted_that(platform: Platform, fake: Fake, place: Place) -> None:
    order = place("work")
    platform.submit(order)
    for _ in range(2):
        platform.cancel(order.handed, "Cancelled in the portal.")
    assert fake.runs[order.handed.key]["note"] == "Cancelled in the portal."
    assert fake.called("PATCH", "dagRuns") == 1
    until(platform, order, Phase.FAILED)


def test_a_retry_clears_only_what_failed_in_the_same_run(platform: Platform, fake: Fake, place: Place) -> None:
    order = place("fail")
    platform.submit(order)
    until(platform, order, Phase.FAILED)
    platform.retry(order)
    platform.retry(order)
    assert fake.called("POST", "clearTaskInstances") == 1
    until(platform, order, Phase.SUCCEEDED)
    assert len(fake.runs) == 1
    fake.runs.clear()
    platform.retry(order)
    assert list(fake.runs) == [order.handed.key]


def test_workflows_are_found_by_tag_and_their_parameters_make_a_schema(platform: Platform) -> None:
    assert [one.name for one in platform.workflows("retrain")] == ["retrain_city"]
    assert platform.workflows("another") == []
    schema = platform.workflow("retrain_city").schema
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert required == ["ticket"]
    assert properties["lookback_days"] == {
        "type": "integer", "minimum": 1, "maximum": 365, "title": "Look-back, days", "default": 28,
    }  # fmt: skip
    assert properties["notify"]["default"] is None
    assert properties["ticket"]["description"] == "required: no default"
    with pytest.raises(Refused, match="no DAG 'nothing'"):
        platform.workflow("nothing")


def test_what_keeps_a_workflow_from_running_is_said_before_it_is_sent(fake: Fake, platform: Platform) -> None:
    assert (platform.workflow("retrain_city").problem, platform.workflow("retrain_city").notice) == ("", "")
    fake.dag["is_paused"] = True
    assert "is paused in Airflow" in platform.workflow("retrain_city").notice
    fake.dag["has_import_errors"] = True
    assert "can not import" in platform.workflow("retrain_city").problem


@pytest.mark.parametrize("harm", ["down", "500", "garbage", "slow"])
def test_a_platform_in_trouble_says_nothing_about_its_runs(
    fake: Fake, platform: Platform, place: Place, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(platform, Airflow)
    order = place()
    platform.submit(order)
    if harm == "down":
        monkeypatch.setattr(platform.server, "address", f"http://127.0.0.1:{free_port()}")
    fake.refuses, fake.garbage = (503 if harm == "500" else 0), harm == "garbage"
    if harm == "slow":
        fake.slow = 1.0
        monkeypatch.setattr(platform.server, "seconds", 0.25)
    with pytest.raises((Unreachable, Stranger)):
        platform.states([order.handed], AGES_AGO)
    with pytest.raises((Unreachable, Stranger)):
        platform.state(order.handed)


def test_a_credential_that_is_wrong_or_was_taken_away_is_told_as_that(fake: Fake, place: Place) -> None:
    with pytest.raises(NotSignedIn):
        airflow(fake.address, "portal:wrong").submit(place())


def test_a_token_is_kept_and_renewed_when_it_is_no_longer_taken() -> None:
    with fake_airflow() as fake:
        for _ in range(3):
            airflow(fake.address, PASSWORD).workflows()
        assert fake.tokens == 1
        fake.revoked = {f"Bearer {session.token}" for session in _sessions.values()}
        airflow(fake.address, PASSWORD).workflows()
        assert fake.tokens == 2
        airflow(fake.address, "static-token").workflows()
        assert fake.tokens == 2
    _sessions.clear()
