"""What watches the portal: probes, figures, the alerts and the dashboard that name them, ids that follow a request."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from django.conf import settings
from django.test import Client
from kombu import Queue
from pytest_django import Settings
from structlog.contextvars import bound_contextvars

from apps.accounts.models import User
from apps.artifacts.tasks import look_after
from apps.core import heartbeats
from apps.dashboard.queries import readiness
from apps.dashboard.tasks import heartbeat
from portal.celery import app
from tests.conftest import api, signed_in

pytestmark = pytest.mark.django_db
OPERATING = Path(__file__).parents[2] / "docs" / "operating"
CLOSED = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def asked_anew() -> Any:
    heartbeats._broker.cache_clear()
    yield
    heartbeats._broker.cache_clear()


def lines(client: Client) -> list[str]:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    return answer.content.decode().splitlines()


def test_ready_tells_connections_broker_beat_and_what_waits(client: Client) -> None:
    redis.Redis.from_url(settings.REDIS_URL).delete("portal:heartbeat:beat")
    assert lines(client)[0] == "ready, with troubles"
    assert "Beat was never heard: nothing new is started." in lines(client)[-1]
    heartbeat()
    redis.Redis.from_url(settings.REDIS_URL).delete("portal:heartbeat:file-store")
    assert lines(client)[-1] == "file store not looked at lately"
    look_after()
    found = lines(client)
    assert found[0] == "ready"
    assert re.fullmatch(r"database answers, \d+ of \d+ connections", found[1])
    assert found[2] == "broker answers"
    assert re.fullmatch(r"beat heard \d+\.\d s ago", found[3])
    assert found[4:] == ["oldest waiting run 0.0 s", "file store answers"]


def test_a_file_store_that_is_away_is_told_to_probes_figures_and_on_operations(
    client: Client, settings: Settings, owner: User, admin: User
) -> None:
    settings.ARTIFACT_STORE, settings.S3 = (
        "s3://models/portal",
        {"endpoint": "http://127.0.0.1:1", "key_id": "A", "secret": "s"},
    )
    look_after()
    found = lines(client)
    assert found[5] == "file store away"
    assert found[-1] == "The file store does not answer now, so nothing was stored or read. Try again."
    assert "portal_file_store_up 0.0" in api(owner).get("/api/v1/metrics/").content.decode()
    for reader, place in ((owner, b"in S3"), (admin, b"s3://models/portal at http://127.0.0.1:1")):
        page = signed_in(reader).get("/operations/").content
        assert b"does not answer now" in page
        assert place in page
    assert b"models/portal" not in signed_in(owner).get("/operations/").content


def test_a_broker_that_is_away_is_told_and_sends_nobody_elsewhere(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = CLOSED
    found = lines(client)
    assert found[2:4] == ["broker away", "beat unknown"]
    assert found[-1].startswith("The broker does not answer: what is asked for waits in the database")
    assert readiness().beat_silent is None


def test_every_figure_of_alerts_and_dashboard_is_there_and_every_alert_has_its_page(owner: User) -> None:
    heartbeat()
    signed_in(owner).get("/models/")
    said = api(owner).get("/api/v1/metrics/").content.decode()
    known = set(re.findall(r"^(portal_\w+?)(?:{.*})? ", said, re.MULTILINE))
    known |= set(re.findall(r"^# TYPE (portal_\w+)", said, re.MULTILINE))
    (group,) = yaml.safe_load((OPERATING / "alerts.yml").read_text())["groups"]
    rules = group["rules"]
    panels = json.loads((OPERATING / "grafana.json").read_text())["panels"]
    asked = [rule["expr"] for rule in rules] + [one["expr"] for panel in panels for one in panel["targets"]]
    assert set(re.findall(r"portal_\w+", " ".join(asked))) <= known
    pages = {Path(rule["annotations"]["runbook"]).name for rule in rules}
    assert pages == {page.name for page in (OPERATING / "runbooks").iterdir()}
    assert len(rules) == len(pages) == 10


def test_answers_are_timed_by_door_without_the_probes(owner: User) -> None:
    def counted() -> dict[str, float]:
        said = api(owner).get("/api/v1/metrics/").content.decode()
        found = re.findall(r'portal_answer_seconds_count{door="(\w+)",method="GET",status="(\w+)"} ([\d.]+)', said)
        return {f"{door} {status}": float(count) for door, status, count in found}

    before = counted()
    client = signed_in(owner)
    for address in ("/models/", "/m/none/", "/readyz", "/api/2.0/mlflow/experiments/get?experiment_id=0"):
        client.get(address)
    after = counted()
    changed = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}
    assert changed == {"web 2xx": 1, "web 4xx": 1, "mlflow 4xx": 1, "api 2xx": 1}


def test_what_a_request_rings_carries_its_id() -> None:
    """A message of the real broker, as a worker takes it."""
    app.loader.import_default_modules()
    with app.connection_for_write() as connection, connection.channel() as channel:
        queue = Queue("control")(channel)
        queue.declare()
        queue.purge()
        with bound_contextvars(request_id="a-request"):
            app.tasks["dashboard.heartbeat"].apply_async()
        message = queue.get()
    assert message is not None
    headers: Any = message.headers
    assert headers["__django_structlog__"]["request_id"] == "a-request"
