"""Airflow 3 and Airflow 2, by what real ones answered: the contract of every platform, and what is Airflow's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from apps.platforms.airflow import Airflow, airflow
from apps.platforms.airflow.client import _sessions
from apps.platforms.airflow.params import workflow_of
from apps.platforms.airflow.probe import probe
from apps.platforms.base import Handed, Order, Phase, Platform
from apps.platforms.outgoing import Refused, Unreachable
from portal.local.ports import free_port
from tests.platforms.contract import AGES_AGO, PlatformContract
from tests.platforms.fake_airflow import HEALTHY, PASSWORD, Fake, fake_airflow
from tests.platforms.test_connections import SelfSigned

Place = Callable[..., Order]
AT_RUNTIME = {"timetable_partitioned": False, "timetable_summary": "PartitionedAtRuntime"}
"""What Airflow 3.3.2 says of a DAG that takes a partition with its trigger."""


@pytest.fixture(params=[2, 1], ids=["airflow-3", "airflow-2"])
def fake(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with fake_airflow(request.param) as made:
        yield made
    _sessions.clear()


@pytest.fixture
def platform(fake: Fake) -> Airflow:
    return airflow(fake.address, PASSWORD)


@pytest.fixture
def place() -> Place:
    """An order of its own for each call; further arguments are parameters."""

    def make(mode: str = "succeed", **more: object) -> Order:
        params = {"city": "atlanta", "ticket": "ML-1", "mode": mode, **more}
        return Order(Handed("retrain_city", f"portal-{uuid4()}-1"), params, "Requested by ada in request #1.")

    return make


class Rig:
    """Of the contract test: the platform, and the fake that it talks to."""

    workflow, tag = "retrain_city", "retrain"

    def __init__(self, fake: Fake, platform: Airflow, place: Place) -> None:
        self.fake, self.platform, self.order = fake, platform, place

    def keys(self) -> list[str]:
        return list(self.fake.runs)

    def forget(self) -> None:
        self.fake.runs.clear()

    @contextmanager
    def harm(self, harm: str) -> Iterator[None]:
        server = self.platform.server
        before = (server.address, server.seconds)
        server.address = f"http://127.0.0.1:{free_port()}" if harm == "down" else server.address
        server.seconds = 0.25 if harm == "slow" else server.seconds
        self.fake.refuses, self.fake.garbage = (503 if harm == "500" else 0), harm == "garbage"
        self.fake.slow = 1.0 if harm == "slow" else 0
        yield
        self.fake.refuses, self.fake.garbage, self.fake.slow = 0, False, 0
        server.address, server.seconds = before

    @contextmanager
    def losing_answers(self) -> Iterator[None]:
        self.fake.answers_after_accepting = 502
        yield
        self.fake.answers_after_accepting = 0

    def stranger(self) -> Platform:
        return airflow(self.fake.address, "portal:wrong")


class TestAirflow(PlatformContract):
    @pytest.fixture
    def rig(self, fake: Fake, platform: Airflow, place: Place) -> Rig:  # type: ignore[override]
        return Rig(fake, platform, place)


def until(platform: Platform, order: Order, phase: Phase) -> None:
    for _ in range(5):
        state = platform.states([order.handed], AGES_AGO).get(order.handed.key)
        if state and state.phase is phase:
            return
    raise AssertionError(f"it never was {phase}")


@pytest.mark.parametrize("status", [500, 502, 429])
def test_an_order_that_was_taken_with_an_error_is_read_back(
    platform: Platform, fake: Fake, place: Place, status: int
) -> None:
    fake.answers_after_accepting = status
    platform.submit(place())
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
    assert fake.ended == 1
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
    assert [platform.workflow("retrain_city").partitioned, workflow_of(fake.dag | AT_RUNTIME).partitioned] == [
        False,
        True,
    ]
    fake.dag["is_paused"] = True
    assert "is paused in Airflow" in platform.workflow("retrain_city").notice
    fake.dag["has_import_errors"] = True
    assert "can not import" in platform.workflow("retrain_city").problem


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


def test_a_test_of_the_connection_says_which_part_is_wrong(fake: Fake, tmp_path: Path) -> None:
    """One after the other, in the order in which somebody mends them."""
    nowhere = probe(f"http://127.0.0.1:{free_port()}", PASSWORD)
    assert (nowhere.trouble, "takes no connection" in nowhere.said) == ("address", True)
    with SelfSigned(tmp_path) as port:
        untrusted = probe(f"https://localhost:{port}", PASSWORD)
    assert (untrusted.trouble, "is not trusted" in untrusted.said) == ("tls", True), untrusted.said
    elsewhere = probe(f"{fake.address}/elsewhere", PASSWORD)
    assert (elsewhere.trouble, "Nothing of Airflow is at that address" in elsewhere.said) == ("address", True)
    unknown, nobody = probe(fake.address, "portal:wrong"), probe(fake.address, "")
    assert (unknown.trouble, "does not accept the credential" in unknown.said) == ("auth", True)
    assert (nobody.trouble, "no credential is stored" in nobody.said) == ("auth", True)
    fake.refuses = 403
    powerless = probe(fake.address, PASSWORD)
    if fake.dialect == 2:
        assert (powerless.trouble, "give that account a role" in powerless.said) == ("permission", True)
    else:  # which says the same of both
        assert (powerless.trouble, "or its account has no role" in powerless.said) == ("auth", True)
    fake.refuses = 0
    for part, said in (
        ("metadatabase", "Its database does not answer"),
        ("scheduler", "no heartbeat, so what is sent waits"),
        ("dag_processor", "DAGs that change are not read"),
    ):
        fake.health = {"metadatabase": HEALTHY, "scheduler": HEALTHY, part: {"status": "unhealthy"}}
        assert (found := probe(fake.address, PASSWORD)).trouble == "scheduler"
        assert said in found.said
    fake.health["dag_processor"] = {"status": None}  # of Airflow 2, whose scheduler reads the DAGs
    assert probe(fake.address, PASSWORD).said == f"It is Airflow {fake.version}; 1 DAG can be seen."


def test_an_airflow_that_is_too_old_is_told_so() -> None:
    with fake_airflow(1) as fake:
        fake.version = "1.10.15"
        found = probe(fake.address, PASSWORD)
        assert (found.trouble, found.said) == ("version", "It is Airflow 1.10.15; update it to 3.")
    _sessions.clear()
