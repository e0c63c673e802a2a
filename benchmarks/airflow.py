"""200 DAG runs of one small task on a real Airflow: as a retraining request, and as a bare script triggers them.

    make bench-airflow                  two rounds of each, A B A B, after one of both to get warm
    RUNS=40 ROUNDS=1 make bench-airflow

The script posts one trigger after the other and asks once a second, with one call, how many have ended: no row is
written, no log, no result and no version. A figure is the median of the rounds; Airflow, its database and the portal
share the machine.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import Settings

from apps.accounts.models import Team, User
from apps.platforms.actions import add_connection
from apps.platforms.airflow.client import AirflowServer as Client
from apps.registry.actions import SegmentSpec, add_segments, create_family
from apps.registry.models import ModelFamily
from apps.retraining.actions import define_pipeline, submit_request
from apps.retraining.definitions import Definition
from apps.retraining.models import Pipeline
from tests import conftest as people
from tests.airflow import conftest as real
from tests.airflow.releases import PASSWORD
from tests.airflow.servers import AirflowServer
from tests.faults.counting import is_over
from tests.faults.portal import Portal

RUNS, ROUNDS = (int(os.environ.get(name, usual)) for name, usual in (("RUNS", 200), ("ROUNDS", 2)))
MOST_TIMES = 1.3
PATIENCE = 900.0
TABLE = Path(__file__).with_suffix(".md")
DAG = "small_task"
CODE = """
from airflow.sdk import Param, dag, task

@dag(schedule=None, params={"city": Param("city-001", type="string")}, max_active_runs=16)
def small_task():
    @task
    def train(params: dict | None = None) -> dict:
        return {"mae": 1.5, "city": params["city"]}
    train()

small_task()
"""
admin, approver, owner, team = people.admin, people.approver, people.owner, people.team
plain_http, var_dir = people.plain_http, people.var_dir
trips, airflow, portal = real.trips, real.airflow, real.portal
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(7_200)]


@pytest.fixture
def small_dag(airflow: AirflowServer) -> AirflowServer:
    (airflow.folder / "dags" / "small_task.py").write_text(CODE)
    airflow.wait_for(airflow.has_read_its_dags)
    return airflow


@pytest.fixture
def family(admin: User, approver: User, team: Team) -> ModelFamily:
    made = create_family(actor=admin, slug="eta-trip", name="Trip ETA", team=team, dimension="city", metric="mae")
    cities = [SegmentSpec(f"city-{number:03}", f"City {number}") for number in range(1, RUNS + 1)]
    add_segments(actor=approver, family=made, segments=cities)
    return made


@pytest.fixture
def pipeline(admin: User, team: Team, family: ModelFamily, small_dag: AirflowServer) -> Pipeline:
    """All of it is sent at once: how many run at a time is Airflow's own limit, the same for both."""
    add_connection(actor=admin, name="airflow", kind="airflow", address=small_dag.address, secret=PASSWORD)
    definition = Definition(
        name="Small",
        schema={"type": "object", "properties": {}},
        connection="airflow",
        workflow=DAG,
        segment_parameter="city",
        after_success="nothing",
        max_concurrent=RUNS,
    )
    return define_pipeline(actor=admin, slug="small", team=team, families=[family], definition=definition)


def test_runs_of_a_request_beside_a_bare_script(
    small_dag: AirflowServer, portal: Portal, pipeline: Pipeline, family: ModelFamily, owner: User, settings: Settings
) -> None:
    client = Client(small_dag.address, PASSWORD)
    del portal.env["RETRAINING_POLL_SECONDS"]  # as it is where nobody has set it
    portal.start("valkey", "control", "outgoing", "beat")

    def request() -> None:
        sent = submit_request(actor=owner, pipeline=pipeline, family=family, parameters={})
        portal.wait_for(lambda: is_over(sent), seconds=PATIENCE)
        assert sent.runs.filter(status="succeeded").count() == RUNS

    def script() -> None:
        began, key = datetime.now(UTC), f"by-script-{uuid4()}"
        for number in range(1, RUNS + 1):
            body = {"dag_run_id": f"{key}-{number}", "logical_date": None, "conf": {"city": f"city-{number:03}"}}
            client.send("POST", f"dags/{DAG}/dagRuns", body)
        while _ended(client, key, began) < RUNS:
            time.sleep(1)

    taken = rounds({"portal": request, "script": script})
    ratio = taken["portal"] / taken["script"]
    TABLE.write_text(report(taken, ratio))
    print(TABLE.read_text())
    assert ratio <= MOST_TIMES


def rounds(measures: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Median seconds of each; the first round, to get warm, does not count."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(ROUNDS + 1):
        for name, measure in measures.items():
            began = time.perf_counter()
            measure()
            seconds = time.perf_counter() - began
            print(f"round {number}: {name} {seconds:.1f} s", flush=True)
            if number:
                taken[name].append(seconds)
    return {name: statistics.median(found) for name, found in taken.items()}


def _ended(client: Client, key: str, since: datetime) -> int:
    """Of many runs in as few calls as Airflow allows: a hundred are told at once."""
    asked = {"run_id_prefix_pattern": key, "limit": 1, "updated_at_gte": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return int(client.get("dags/~/dagRuns", **asked, state="success")["total_entries"])


def report(taken: dict[str, float], ratio: float) -> str:
    return f"""# What it costs to run DAGs through the portal

Written by `make bench-airflow`: {RUNS} runs of one small task on a real Airflow 3.3.2 (LocalExecutor, four at a time, \
PostgreSQL), triggered and ended, median of {ROUNDS} rounds; Airflow, its database and the portal share \
{os.cpu_count()} cores. To reach: {MOST_TIMES}× the script.

| what | all of them | each |
|---|---|---|
| a request of the portal: runs with their log, result, metrics and version | {taken["portal"]:.1f} s \
| {taken["portal"] / RUNS * 1_000:.0f} ms |
| a script that triggers them one after the other and waits | {taken["script"]:.1f} s \
| {taken["script"] / RUNS * 1_000:.0f} ms |
| the portal takes | **{ratio:.2f}×** | |
"""
