"""The portal and a real Airflow 2.11.2: what its older API answers, and a few cities through it."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from apps.accounts.models import User
from apps.platforms.actions import look_after
from apps.platforms.airflow import airflow as platform_at
from apps.platforms.airflow.probe import probe
from apps.platforms.base import Handed, Order, Phase
from apps.platforms.models import Connection
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Attempt, Pipeline
from tests.airflow.fleet import DAG, assert_confs_are_the_form_s, assert_each_city_ran_once, assert_no_secret, send
from tests.airflow.liar import Liar
from tests.airflow.releases import PASSWORD, TWO, VIEWER
from tests.airflow.servers import PATIENCE, AirflowServer, real_airflow
from tests.faults.counting import is_over
from tests.faults.portal import Portal

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def cities() -> list[str]:
    """Few: it is the dialect that is tried here."""
    return [f"city-{number:02}" for number in range(1, 13)]


@pytest.fixture(scope="module")
def airflow(trips: Path) -> Iterator[AirflowServer]:
    folder = Path(tempfile.mkdtemp(prefix="portal-airflow-"))
    with real_airflow(TWO, folder, trips) as server:
        yield server
    shutil.rmtree(folder)


def test_a_test_of_the_connection_says_what_is_wrong(airflow: AirflowServer, connection: Connection) -> None:
    good = probe(airflow.address, PASSWORD)
    assert (good.trouble, good.version, good.said) == (None, TWO.version, "It is Airflow 2.11.2; 1 DAG can be seen.")
    assert probe(airflow.address, "portal:wrong").trouble == "auth"
    assert probe(airflow.address, "").trouble == "auth"
    assert probe(f"{airflow.address}/elsewhere", PASSWORD).trouble == "address"
    viewer, portal = platform_at(airflow.address, VIEWER), platform_at(airflow.address, PASSWORD)
    assert "may not trigger" in viewer.workflow(DAG).problem
    assert (portal.workflow(DAG).problem, portal.workflow(DAG).notice) == ("", "")
    assert [one.name for one in portal.workflows("retrain")] == [DAG]
    assert portal.workflows("no-such-tag") == []
    airflow.kill("scheduler")
    airflow.wait_for(lambda: look_after(connection=connection).trouble == "scheduler")
    airflow.start("scheduler")
    airflow.wait_for(lambda: look_after(connection=connection).health == "well")


def test_a_run_is_triggered_once_polled_read_and_handed_back(airflow: AirflowServer) -> None:
    platform = platform_at(airflow.address, PASSWORD)
    order = Order(Handed(DAG, f"portal-{uuid4()}-1"), {"city": "city-01", "ticket": "ML-1"}, "A note.")
    platform.submit(order)
    platform.submit(order)
    assert [key for key, _ in airflow.dag_runs()].count(order.handed.key) == 1
    run = platform.server.get(f"dags/{DAG}/dagRuns/{order.handed.key}")
    assert (run["conf"], run["note"]) == (order.params, "A note.")
    since = datetime.now(UTC)
    airflow.wait_for(lambda: platform.states([order.handed], since)[order.handed.key].phase is Phase.SUCCEEDED)
    state = platform.state(order.handed)
    assert state
    result = platform.report(order.handed, state).result
    assert (result["city"], result["rows"]) == ("city-01", 300)
    assert 0 < float(str(result["mae"])) < 5
    log = platform.log(order.handed, "")
    assert log.text.index("300 trips of city-01") < log.text.index("── train try 1 ──")
    assert platform.log(order.handed, log.cursor).text == ""
    assert platform.state(Handed(DAG, f"portal-{uuid4()}-1")) is None


def test_a_running_task_is_cancelled_and_its_log_grows(airflow: AirflowServer) -> None:
    platform = platform_at(airflow.address, PASSWORD)
    order = Order(Handed(DAG, f"portal-{uuid4()}-1"), {"city": "city-02", "ticket": "ML-1", "seconds": 60})
    platform.submit(order)
    said, cursor = "", ""
    deadline = time.monotonic() + PATIENCE
    while said.count("epoch") < 3:
        assert time.monotonic() < deadline, said
        chunk = platform.log(order.handed, cursor)
        said, cursor = said + chunk.text, chunk.cursor
        time.sleep(0.5)
    assert said.count("epoch 1\n") == 1
    platform.cancel(order.handed, "Cancelled in the portal.")
    state = platform.state(order.handed)
    assert state
    assert state.phase is Phase.FAILED
    assert platform.server.get(f"dags/{DAG}/dagRuns/{order.handed.key}")["note"] == "Cancelled in the portal."


def test_cities_go_through_it_one_fails_one_is_cancelled_one_is_retried(
    airflow: AirflowServer,
    liar: Liar,
    portal: Portal,
    owner: User,
    pipeline: Pipeline,
    family: ModelFamily,
    trips: Path,
    cities: list[str],
) -> None:
    slow_one = cities[5]
    request = send(owner, pipeline, family, fails_for="city-03", slow_for=slow_one)
    portal.start("valkey", "control", "outgoing", "beat")
    slow = Attempt.objects.filter(segment_run__request=request, segment_run__segment__slug=slow_one)
    portal.wait_for(lambda: slow.filter(phase="running").exists(), PATIENCE)
    actions.cancel_runs(actor=owner, request=request, segments=[slow_one])
    portal.wait_for(lambda: is_over(request), PATIENCE)
    assert_each_city_ran_once(airflow, request, succeeded=len(cities) - 2, failed=1, cancelled=1)
    failed = request.runs.get(status="failed")
    assert failed.reason == "The task train failed: ValueError: the matrix of city-03 is singular."
    (trips / "city-03.mended").touch()
    actions.retry_run(actor=owner, run=failed)
    portal.wait_for(lambda: is_over(request), PATIENCE)
    assert_each_city_ran_once(airflow, request, succeeded=len(cities) - 1, cancelled=1)
    assert liar.lies
    assert_confs_are_the_form_s(airflow, request)
    assert_no_secret(airflow, portal, request)
