"""What an Airflow tells by its asset events: alarms about a family's data become signals, each once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import Team, User
from apps.platforms.actions import add_connection
from apps.platforms.airflow.client import _sessions
from apps.platforms.models import Connection
from apps.registry.models import ModelFamily
from apps.retraining import actions, listening
from apps.retraining.definitions import Definition
from apps.retraining.models import Pipeline, Signal
from tests.platforms.fake_airflow import PASSWORD, Fake, event, fake_airflow

pytestmark = pytest.mark.django_db
ALARM = {"kind": "drift", "verdict": "alarm", "measure": "psi", "value": 0.4, "threshold": 0.2}


@pytest.fixture
def fake() -> Iterator[Fake]:
    with fake_airflow() as made:
        yield made
    _sessions.clear()


@pytest.fixture
def connection(admin: User, team: Team, family: ModelFamily, fake: Fake) -> Connection:
    """With a pipeline for the family."""
    made = add_connection(actor=admin, name="airflow", kind="airflow", address=fake.address, secret=PASSWORD)
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    definition = Definition(
        name="City", schema=schema, connection="airflow", workflow="retrain_city", segment_parameter="city"
    )
    actions.define_pipeline(actor=admin, slug="city", team=team, families=[family], definition=definition)
    return made


def test_an_alarm_is_a_signal_about_its_city_however_often_it_is_heard(
    fake: Fake, connection: Connection, family: ModelFamily, admin: User
) -> None:
    moment = datetime.now(UTC) - timedelta(minutes=5)
    fake.events = [event(1, moment, {**ALARM, "family": "eta-trip", "segment": "boston"})]
    for _ in range(2):
        listening.listen(connection.pk)
    signal = Signal.objects.get()
    assert signal.segment
    assert (signal.family, signal.segment.slug, signal.source, signal.sent_by) == (family, "boston", "airflow", admin)
    assert (signal.is_alarm, signal.observed_at, signal.readings[0]["value"]) == (True, moment, 0.4)
    connection.refresh_from_db()
    assert connection.heard_until == moment
    fake.events.append(event(2, moment + timedelta(minutes=1), {**ALARM, "family": "eta-trip", "segment": "boston"}))
    listening.listen(connection.pk)
    assert Signal.objects.count() == 2


def test_family_and_city_are_told_by_the_dag_and_its_partition_too(fake: Fake, connection: Connection) -> None:
    now = datetime.now(UTC)
    fake.events = [
        event(1, now, {**ALARM, "city": "atlanta"}, dag="retrain_city"),
        event(2, now, ALARM, dag="retrain_city", partition="chicago"),
        event(3, now, {**ALARM, "family": "eta-trip", "verdict": "fine"}),
    ]
    listening.listen(connection.pk)
    found = Signal.objects.order_by("id").values_list("segment__slug", "is_alarm")
    assert list(found) == [("atlanta", True), ("chicago", True), (None, False)]


def test_what_is_no_finding_about_a_family_of_ours_is_passed_over(fake: Fake, connection: Connection) -> None:
    now = datetime.now(UTC)
    fake.events = [
        event(1, now, {"city": "kyiv", "mape": 0.123}, dag="retrain_city"),
        event(2, now, {**ALARM, "family": "another"}),
        event(3, now, ALARM, dag="another"),
        event(4, now, {**ALARM, "family": "eta-trip", "segment": "nowhere"}),
        event(5, now, {**ALARM, "family": "eta-trip", "kind": "weather"}),
    ]
    listening.listen(connection.pk)
    assert not Signal.objects.exists()


@pytest.mark.parametrize("harm", ["500", "garbage", "no time"])
def test_a_platform_in_trouble_is_heard_later(fake: Fake, connection: Connection, harm: str) -> None:
    alarm = event(1, datetime.now(UTC), {**ALARM, "family": "eta-trip"})
    fake.refuses, fake.garbage = (500 if harm == "500" else 0), harm == "garbage"
    fake.events = [alarm | {"timestamp": None} if harm == "no time" else alarm]
    listening.listen(connection.pk)
    assert not Signal.objects.exists()
    fake.refuses, fake.garbage, fake.events = 0, False, [alarm]
    listening.listen(connection.pk)
    assert Signal.objects.get().segment is None


def test_nothing_is_heard_where_no_pipeline_is(fake: Fake, connection: Connection) -> None:
    Pipeline.objects.update(is_active=False)
    listening.listen(connection.pk)
    assert not fake.called("GET", "assets/events")
