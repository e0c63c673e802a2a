"""What watches the portal: probes, figures, the alerts and the dashboard that name them, ids that follow a request."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import redis
import time_machine
import yaml
from django.conf import settings
from django.test import Client
from kombu import Queue
from pytest_django import Settings
from structlog.contextvars import bound_contextvars

from apps.accounts.models import User
from apps.artifacts.tasks import look_after
from apps.core import heartbeats
from apps.core.measures import OF_THIS_PROCESS
from apps.dashboard.measures import TABLES
from apps.dashboard.queries import readiness
from apps.dashboard.queries.readiness import AWAKE_SINCE
from apps.dashboard.tasks import heartbeat
from portal.celery import app
from tests.conftest import api, signed_in

pytestmark = pytest.mark.django_db
OPERATING = Path(__file__).parents[2] / "docs" / "operating"
CLOSED = "redis://127.0.0.1:1/0"
OF_PROMETHEUS = {"job", "instance"}
"""Labels that it gives to whatever it scrapes."""


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
    with time_machine.travel(AWAKE_SINCE + 5):
        assert lines(client)[3] == "beat not heard yet"
        assert not readiness().troubles
    with time_machine.travel(AWAKE_SINCE + 60):
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


def figures() -> dict[str, set[str]]:
    """The labels of each figure that a portal tells; `up` is Prometheus' own."""
    told = {family.name: set(family._labelnames) for family in TABLES.collect()}  # type: ignore[attr-defined]
    for family in OF_THIS_PROCESS.collect():
        for sample in family.samples:
            told.setdefault(sample.name, set()).update(sample.labels)
    return told | {"up": set()}


def selectors(expression: Any) -> Iterator[Any]:
    """Each series that an expression asks for."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    inside = [getattr(expression, name, None) for name in ("lhs", "rhs", "expr", "vector_selector", "param")]
    for one in [*inside, *getattr(expression, "args", ())]:
        if one is not None:
            yield from selectors(one)


def asked_for(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each figure with the labels that are matched or grouped by; raises ValueError for what is no PromQL."""
    grouped = {
        name for found in re.findall(r"\b(?:by|on) ?\(([^)]*)\)", expression) for name in re.findall(r"\w+", found)
    }
    for selector in selectors(promql_parser.parse(expression)):
        yield selector.name, grouped | {matcher.name for matcher in selector.matchers.matchers}


def problems(expression: str) -> list[str]:
    """What Prometheus would refuse, or never find."""
    known = figures()
    try:
        asked = list(asked_for(expression))
    except ValueError as error:
        return [f"{expression}: {error}"]
    missing = [f"{expression}: no portal tells {name}" for name, _ in asked if name not in known]
    strange = [f"{expression}: {name} has no {labels - known[name]}" for name, labels in asked if name in known
               and not labels <= known[name] | OF_PROMETHEUS]  # fmt: skip
    return missing + strange


def alert_rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((OPERATING / "alerts.yml").read_text())["groups"]
    return list(group["rules"])


def test_every_alert_and_panel_asks_for_figures_and_labels_that_there_are(owner: User) -> None:
    signed_in(owner).get("/models/")
    panels = json.loads((OPERATING / "grafana.json").read_text())["panels"]
    asked = [rule["expr"] for rule in alert_rules()]
    asked += [one["expr"] for panel in panels for one in panel["targets"]]
    assert len(asked) > 25
    assert [problem for expression in asked for problem in problems(expression)] == []
    wrong = ("max(portal_nothing)", "sum(portal_broker_up", 'max(portal_broker_up{colour="red"})')
    assert all(problems(expression) for expression in (*wrong, "sum by (colour) (portal_broker_up)"))


def test_every_alert_says_how_bad_it_is_and_has_a_page_that_says_what_to_do() -> None:
    rules, folder = alert_rules(), OPERATING / "runbooks"
    assert {rule["annotations"]["runbook"] for rule in rules} == {
        f"docs/operating/runbooks/{page.name}" for page in folder.iterdir()
    }
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 10
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m")), rule
        used = set(re.findall(r"{{ \$labels\.(\w+) }}", rule["annotations"]["summary"]))
        assert used <= {name for _, labels in asked_for(rule["expr"]) for name in labels}, rule
        steps = (OPERATING.parents[1] / rule["annotations"]["runbook"]).read_text().splitlines()
        assert steps[0].startswith("# ")
        assert sum(line.startswith(("1.", "2.", "3.")) for line in steps) >= 2, rule["alert"]


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
