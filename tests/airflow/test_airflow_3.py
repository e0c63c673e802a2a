"""The portal and a real Airflow 3.3.2: a form from its Params, a whole fleet through it, and harm on both sides."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from apps.accounts.actions import create_token
from apps.accounts.models import ApiToken, Team, User
from apps.artifacts.queries import files_of
from apps.core.errors import Invalid
from apps.platforms.actions import look_after
from apps.platforms.airflow import airflow as platform_at
from apps.platforms.airflow.client import AirflowServer as Client
from apps.platforms.airflow.probe import probe
from apps.platforms.base import Handed, Order, Phase
from apps.platforms.models import Connection
from apps.registry.models import ModelFamily
from apps.retraining import actions, listening, lookups
from apps.retraining.definitions import Definition
from apps.retraining.models import Attempt, Pipeline, SegmentRun, Signal
from apps.tracking.models import Metric
from apps.tracking.queries import reported
from tests.airflow.conftest import CITIES
from tests.airflow.fleet import DAG, assert_confs_are_the_form_s, assert_each_city_ran_once, assert_no_secret, send
from tests.airflow.liar import Liar
from tests.airflow.releases import PASSWORD, THREE, VIEWER
from tests.airflow.servers import PATIENCE, AirflowServer
from tests.conftest import signed_in
from tests.faults.counting import done, is_over
from tests.faults.portal import Portal
from tests.platforms import fake_airflow
from tests.served import web_process

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.django_db(transaction=True)]
LOGGING_DAG, WATCH = "retrain_city_mlflow", "watch_city"
BY_CITY = """
from airflow.sdk import PartitionedAtRuntime, dag, task

@dag(schedule=PartitionedAtRuntime())
def by_city():
    @task
    def train(partition_key=None) -> dict:
        return {"mae": 1.5, "city": partition_key}
    train()

by_city()
"""
LONG_AGO = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def logging_pipeline(admin: User, team: Team, family: ModelFamily, connection: Connection) -> Pipeline:
    """Of the DAG whose code logs by plain MLflow."""
    workflow = platform_at(connection.address, PASSWORD).workflow(LOGGING_DAG)
    definition = Definition(
        name="Retrain a city and watch",
        schema=lookups.form_schema(workflow.schema, "city"),
        connection=connection.name,
        workflow=LOGGING_DAG,
        segment_parameter="city",
        after_success="nothing",
    )
    return actions.define_pipeline(actor=admin, slug="watched", team=team, families=[family], definition=definition)


def test_a_test_of_the_connection_says_what_is_wrong(airflow: AirflowServer) -> None:
    good = probe(airflow.address, PASSWORD)
    assert (good.trouble, good.version, good.said) == (None, THREE.version, "It is Airflow 3.3.2; 3 DAGs can be seen.")
    assert probe(airflow.address, "portal:wrong").trouble == "auth"
    assert probe(airflow.address, "").trouble == "auth"
    assert probe(airflow.address, "no.real.token").trouble == "auth"
    assert probe(f"{airflow.address}/elsewhere", PASSWORD).trouble == "address"
    viewer, portal = platform_at(airflow.address, VIEWER), platform_at(airflow.address, PASSWORD)
    assert "may not trigger" in viewer.workflow(DAG).problem
    assert (portal.workflow(DAG).problem, portal.workflow(DAG).notice) == ("", "")
    assert [one.name for one in portal.workflows("retrain")] == [DAG, LOGGING_DAG]
    assert [one.name for one in portal.workflows("mlflow")] == [LOGGING_DAG]
    assert portal.workflows("no-such-tag") == []


def test_its_answers_have_the_shapes_that_the_fake_answers(airflow: AirflowServer) -> None:
    client, platform = Client(airflow.address, PASSWORD), platform_at(airflow.address, PASSWORD)
    order = Order(Handed(DAG, f"portal-{uuid4()}-1"), {"city": "city-01", "ticket": "ML-1"}, "A note.")
    platform.submit(order)
    platform.submit(order)
    run = client.get(f"dags/{DAG}/dagRuns/{order.handed.key}")
    assert set(fake_airflow.RUN) <= set(run)
    assert (run["conf"], run["note"]) == (order.params, "A note.")
    assert set(fake_airflow.DAG) <= set(client.get("dags", limit=1)["dags"][0])
    params = client.get(f"dags/{DAG}/details")["params"]
    assert {frozenset(param) for param in params.values()} == {frozenset(fake_airflow.PARAMS["city"])}
    airflow.wait_for(lambda: platform.states([order.handed], LONG_AGO)[order.handed.key].phase is Phase.SUCCEEDED)
    state = platform.state(order.handed)
    assert state
    result = platform.report(order.handed, state).result
    assert (result["city"], result["rows"]) == ("city-01", 300)
    assert 0 < float(str(result["mae"])) < 5
    log = platform.log(order.handed, "")
    assert log.text.index("300 trips of city-01") < log.text.index("── train try 1 ──")
    assert platform.log(order.handed, log.cursor).text == ""


def test_a_dag_with_partitions_gets_the_city_as_its_partition(airflow: AirflowServer) -> None:
    (airflow.folder / "dags" / "by_city.py").write_text(BY_CITY)
    airflow.wait_for(airflow.has_read_its_dags)
    client, platform = Client(airflow.address, PASSWORD), platform_at(airflow.address, PASSWORD)
    assert [platform.workflow(name).partitioned for name in (DAG, "by_city")] == [False, True]
    order = Order(Handed("by_city", f"portal-{uuid4()}-1"), {}, partition="city-01")
    platform.submit(order)
    platform.submit(order)
    assert client.get(f"dags/by_city/dagRuns/{order.handed.key}")["partition_key"] == "city-01"
    airflow.wait_for(lambda: platform.states([order.handed], LONG_AGO)[order.handed.key].phase is Phase.SUCCEEDED)
    state = platform.state(order.handed)
    assert state
    assert platform.report(order.handed, state).result == {"mae": 1.5, "city": "city-01"}
    (airflow.folder / "dags" / "by_city.py").unlink()


def test_an_asset_event_becomes_a_signal(
    airflow: AirflowServer, connection: Connection, pipeline: Pipeline, family: ModelFamily
) -> None:
    """Of a DAG that somebody else starts: it says of two cities what it found."""
    platform = platform_at(airflow.address, PASSWORD)
    for city, longest in (("city-01", 5.0), ("city-02", 400.0)):
        params = {"city": city, "longest": longest}
        platform.submit(Order(Handed(WATCH, f"by-hand-{uuid4()}"), params))

    def heard() -> bool:
        listening.listen(connection.pk)
        return Signal.objects.count() == 2

    airflow.wait_for(heard)
    found = {signal.segment.slug: signal.is_alarm for signal in Signal.objects.all() if signal.segment}
    assert found == {"city-01": True, "city-02": False}
    asked = {"timestamp_gte": "2026-01-01T00:00:00Z", "order_by": "timestamp", "limit": 10}
    assert set(fake_airflow.EVENT) <= set(
        Client(airflow.address, PASSWORD).get("assets/events", **asked)["asset_events"][0]
    )


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
    run = Client(airflow.address, PASSWORD).get(f"dags/{DAG}/dagRuns/{order.handed.key}")
    assert run["note"] == "Cancelled in the portal."


def test_a_fleet_goes_through_it_whatever_is_killed_and_each_city_runs_once(
    airflow: AirflowServer,
    liar: Liar,
    portal: Portal,
    owner: User,
    pipeline: Pipeline,
    family: ModelFamily,
    trips: Path,
) -> None:
    """A proxy that lies, the scheduler and the portal's worker killed, one city that fails, one that is cancelled."""
    slow_one = CITIES[len(CITIES) // 2]
    request = send(owner, pipeline, family, fails_for="city-03", slow_for=slow_one, seconds=1)
    portal.start("valkey", "control", "outgoing", "beat")
    portal.wait_for(lambda: done(request) >= 3, PATIENCE)
    portal.kill("outgoing")
    portal.start("outgoing")
    airflow.kill("scheduler")
    time.sleep(5)
    airflow.start("scheduler")
    for moment in (len(CITIES) // 4, len(CITIES) // 2):
        portal.wait_for(lambda moment=moment: done(request) >= moment, PATIENCE)  # type: ignore[misc]
        portal.kill("outgoing")
        portal.start("outgoing")
    slow = Attempt.objects.filter(segment_run__request=request, segment_run__segment__slug=slow_one)
    portal.wait_for(lambda: slow.filter(phase="running").exists(), PATIENCE)
    actions.cancel_runs(actor=owner, request=request, segments=[slow_one])
    portal.wait_for(lambda: slow.filter(end_asked_at__isnull=False).exists(), PATIENCE)
    assert request.runs.get(segment__slug=slow_one).is_stopping
    portal.wait_for(lambda: is_over(request), PATIENCE)
    assert_each_city_ran_once(airflow, request, succeeded=len(CITIES) - 2, failed=1, cancelled=1)
    failed = request.runs.get(status="failed")
    assert failed.reason == "The task train failed: ValueError: the matrix of city-03 is singular."
    before = begun(airflow, failed)
    (trips / "city-03.mended").touch()
    actions.retry_run(actor=owner, run=failed)
    portal.wait_for(lambda: is_over(request), PATIENCE)
    assert_each_city_ran_once(airflow, request, succeeded=len(CITIES) - 1, cancelled=1)
    again = begun(airflow, failed)
    assert (again["extract"] == before["extract"], again["train"] > before["train"]) == (True, True)
    assert liar.lies >= len(CITIES) // 10 - 1
    assert_confs_are_the_form_s(airflow, request)
    assert_no_secret(airflow, portal, request)


def begun(airflow: AirflowServer, run: SegmentRun) -> dict[str, str]:
    """When the last try of each of its tasks began."""
    client, key = Client(airflow.address, PASSWORD), run.attempts.order_by("number").last().outside_id  # type: ignore[union-attr]
    tasks = client.get(f"dags/{DAG}/dagRuns/{key}/taskInstances")["task_instances"]
    return {task["task_id"]: task["start_date"] for task in tasks}


def test_training_code_logs_by_plain_mlflow_and_airflow_s_readers_see_no_token(
    airflow: AirflowServer,
    portal: Portal,
    owner: User,
    colleague: User,
    logging_pipeline: Pipeline,
    family: ModelFamily,
) -> None:
    """Airflow keeps one credential, as a connection; each task trades its run's id for a token of that run."""
    kept = create_token(actor=colleague, name="airflow", scopes=["retraining:log"]).secret
    cities = CITIES[:3]
    with web_process(portal.folder) as web:
        sees = {"connection_id": "mlportal", "conn_type": "http", "host": web.address, "password": kept}
        Client(airflow.address, PASSWORD).send("POST", "connections", sees)
        request = actions.submit_request(
            actor=owner, pipeline=logging_pipeline, family=family, parameters={"rate": 0.3}, segments=cities
        )
        portal.start("valkey", "control", "outgoing", "beat")
        portal.wait_for(lambda: ApiToken.objects.filter(user=owner).exists(), PATIENCE)
        portal.wait_for(lambda: is_over(request), PATIENCE)
    for run in request.runs.select_related("version", "segment"):
        assert (run.status, run.reason) == ("succeeded", ""), run.log
        assert run.version
        assert run.run
        assert {file.path for file in files_of(run.version.its_tree)} == {"model.json"}
        assert 0 < reported(run.run)["mae"] < 15
        losses = list(Metric.objects.filter(run=run.run, key="loss").order_by("step").values_list("value", flat=True))
        assert (len(losses), losses[-1] < losses[0]) == (20, True)
    assert not ApiToken.objects.filter(user=owner).exists()
    assert_no_secret(airflow, portal, request, kept)


def test_a_scheduler_that_is_dead_is_told_where_the_run_waits(
    airflow: AirflowServer, connection: Connection, pipeline: Pipeline
) -> None:
    airflow.kill("scheduler")
    airflow.wait_for(lambda: look_after(connection=connection).trouble == "scheduler")
    assert "The scheduler has no heartbeat" in connection.said
    airflow.start("scheduler")
    airflow.wait_for(lambda: look_after(connection=connection).health == "well")


def test_a_dag_that_changes_refreshes_its_form_and_the_page_says_how(
    airflow: AirflowServer, owner: User, pipeline: Pipeline
) -> None:
    file = airflow.folder / "dags" / "retrain_city.py"
    before = file.read_text()
    file.write_text(before.replace('"train_until"', '"horizon": Param(7, type="integer"),\n        "train_until"'))

    def followed() -> bool:
        lookups.look_up(pipeline.pk)
        pipeline.refresh_from_db()
        return pipeline.version == 2

    airflow.wait_for(followed)
    assert pipeline.schema["properties"]["horizon"] == {"type": "integer", "default": 7}
    page = signed_in(owner).get(f"/retraining/pipelines/{pipeline.slug}/")
    assert "schema.properties.horizon" in page.content.decode()


def test_a_dag_that_would_not_run_is_told_before_anything_is_sent(
    airflow: AirflowServer, owner: User, pipeline: Pipeline, family: ModelFamily
) -> None:
    def looked_up() -> str:
        lookups.look_up(pipeline.pk)
        pipeline.refresh_from_db()
        return pipeline.platform_problem or pipeline.platform_notice

    client = Client(airflow.address, PASSWORD)
    client.send("PATCH", f"dags/{DAG}", {"is_paused": True})
    assert "is paused in Airflow" in looked_up()
    client.send("PATCH", f"dags/{DAG}", {"is_paused": False})
    assert looked_up() == ""
    file = airflow.folder / "dags" / f"{DAG}.py"
    before = file.read_text()
    file.write_text(f"import nothing_of_that_name\n{before}")
    airflow.wait_for(lambda: "can not import the DAG's file" in looked_up())
    with pytest.raises(Invalid, match="can not import"):
        send(owner, pipeline, family)
    file.write_text(before)
    airflow.wait_for(lambda: looked_up() == "")


def test_every_city_has_its_trips(trips: Path) -> None:
    assert len(list(trips.glob("*.csv"))) == len(CITIES)
