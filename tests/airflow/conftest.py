"""One Airflow for all of these tests, and the portal's own processes for each."""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.models import Team, User
from apps.platforms.actions import add_connection
from apps.platforms.airflow import airflow as platform_at
from apps.platforms.airflow.client import AirflowServer as Client
from apps.platforms.models import Connection
from apps.registry.actions import SegmentSpec, add_segments, create_family
from apps.registry.models import ModelFamily
from apps.retraining import actions, lookups
from apps.retraining.definitions import Definition
from apps.retraining.models import Pipeline
from tests.airflow.fleet import DAG
from tests.airflow.liar import Liar, lying_proxy
from tests.airflow.releases import PASSWORD, THREE
from tests.airflow.servers import AirflowServer, real_airflow
from tests.faults.portal import Portal

CITIES = [f"city-{number:02}" for number in range(1, int(os.environ.get("AIRFLOW_CITIES", "81")) + 1)]
"""As many as the demo company has; fewer where somebody is in a hurry (at least 20)."""


@pytest.fixture(scope="session", autouse=True)
def patient_calls() -> Iterator[None]:
    """What a test asks by itself waits for a busy machine; the portal's own processes are as impatient as ever."""
    before, Client.seconds = Client.seconds, 120.0
    yield
    Client.seconds = before


@pytest.fixture(scope="session")
def trips() -> Iterator[Path]:
    """Of each city a few hundred, each some minutes per kilometre and a little noise."""
    folder = Path(tempfile.mkdtemp(prefix="portal-trips-"))
    for number, city in enumerate(CITIES, start=1):
        chance = random.Random(number)
        lengths = [chance.uniform(1, 30) for _ in range(300)]
        rows = [(km, 3 + km * (1 + number / 10) + chance.gauss(0, 2)) for km in lengths]
        text = "".join(f"{km:.2f},{minutes:.2f}\n" for km, minutes in rows)
        (folder / f"{city}.csv").write_text(f"km,minutes\n{text}")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def airflow(trips: Path) -> Iterator[AirflowServer]:
    folder = Path(tempfile.mkdtemp(prefix="portal-airflow-"))
    with real_airflow(THREE, folder, trips) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def liar(airflow: AirflowServer) -> Iterator[Liar]:
    with lying_proxy(airflow.port) as made:
        yield made


@pytest.fixture
def connection(transactional_db: None, admin: User, liar: Liar) -> Connection:
    return add_connection(actor=admin, name="airflow", kind="airflow", address=liar.address, secret=PASSWORD)


@pytest.fixture(scope="session")
def cities() -> list[str]:
    return CITIES


@pytest.fixture
def family(transactional_db: None, admin: User, approver: User, team: Team, cities: list[str]) -> ModelFamily:
    made = create_family(
        actor=admin, slug="eta-trip", name="Trip ETA", team=team, dimension="city", metric="mae", unit="min"
    )
    add_segments(actor=approver, family=made, segments=[SegmentSpec(city, city.title()) for city in cities])
    return made


@pytest.fixture
def pipeline(admin: User, team: Team, family: ModelFamily, connection: Connection) -> Pipeline:
    """As the page makes it: the form is the DAG's own Params, without the city."""
    workflow = platform_at(connection.address, PASSWORD).workflow(DAG)
    definition = Definition(
        name="Retrain a city",
        schema=lookups.form_schema(workflow.schema, "city"),
        connection=connection.name,
        workflow=DAG,
        segment_parameter="city",
        after_success="nothing",
        stop_after=0,
    )
    made = actions.define_pipeline(actor=admin, slug="city", team=team, families=[family], definition=definition)
    lookups.take(made, workflow)
    made.refresh_from_db()
    return made


@pytest.fixture
def portal(transactional_db: None, settings: Settings) -> Iterator[Portal]:
    folder = Path(tempfile.mkdtemp(prefix="portal-var-"))
    folder.chmod(0o711)
    made = Portal(folder, folder / "pipelines", folder / "data")
    made.env |= {"ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS), "RETRAINING_POLL_SECONDS": "2"}
    yield made
    made.stop()
    shutil.rmtree(folder)
