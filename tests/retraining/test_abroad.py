"""Segment runs that a platform has: handed over once whatever happens, followed to their end, cancelled, run again."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.models import ApiToken, Team, User
from apps.artifacts.queries import files_of, open_file
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Invalid, Missing
from apps.platforms.actions import add_connection, look_after, remove_connection
from apps.platforms.airflow import Airflow
from apps.platforms.airflow.client import _sessions
from apps.platforms.models import Connection
from apps.registry.models import ModelFamily, ModelVersion
from apps.retraining import abroad, actions, lookups, queries
from apps.retraining.definitions import Definition
from apps.retraining.models import Attempt, Pipeline, PipelineVersion, RetrainingRequest, SegmentRun, Signal
from apps.tracking.queries import reported
from portal.local.ports import free_port
from tests.conftest import api, signed_in
from tests.platforms.fake_airflow import PASSWORD, Fake, fake_airflow
from tests.retraining.conftest import Submit, run_of

pytestmark = pytest.mark.django_db
API = "/api/v1"
LOG_METRIC = "/api/2.0/mlflow/runs/log-metric"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "lookback_days": {"type": "integer", "default": 28},
        "ticket": {"type": "string"},
        "mode": {"type": "string", "default": "succeed"},
    },
    "required": ["ticket"],
}
DEFINITION = Definition(
    name="Retrain a city",
    schema=SCHEMA,
    connection="airflow",
    workflow="retrain_city",
    segment_parameter="city",
    after_success="nothing",
)


@pytest.fixture(autouse=True)
def looked_after_at_once(settings: Settings) -> Iterator[None]:
    """A test is one transaction, in which the database's clock stands still."""
    settings.RETRAINING_POLL_SECONDS = -1
    settings.PORTAL_URL = "https://portal.example.org"
    yield
    _sessions.clear()


@pytest.fixture(params=[2, 1], ids=["airflow-3", "airflow-2"])
def fake(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with fake_airflow(request.param) as made:
        yield made


@pytest.fixture
def connection(admin: User, fake: Fake) -> Connection:
    return add_connection(actor=admin, name="airflow", kind="airflow", address=fake.address, secret=PASSWORD)


@pytest.fixture
def pipeline(admin: User, team: Team, family: ModelFamily, connection: Connection) -> Pipeline:
    return actions.define_pipeline(actor=admin, slug="city", team=team, families=[family], definition=DEFINITION)


def handed_over(request: RetrainingRequest) -> RetrainingRequest:
    """Driven, and every run that was sent given to the platform."""
    actions.drive(request_id=request.pk)
    abroad.hand_over(list(request.runs.filter(status="sent").values_list("pk", flat=True)))
    return request


def look(request: RetrainingRequest, times: int = 1) -> None:
    connection = Connection.objects.get()
    for _ in range(times):
        abroad.attend(connection.pk)
    actions.drive(request_id=request.pk)
    request.refresh_from_db()


def as_if_unseen() -> None:
    """As if the platform had not named its runs for longer than is believed."""
    Attempt.objects.update(seen_at=Now() - timedelta(minutes=2))
    SegmentRun.objects.filter(status="running").update(lease_until=Now() - timedelta(seconds=1))


def test_every_city_runs_once_there_and_becomes_a_version(submit: Submit, fake: Fake, owner: User) -> None:
    request = handed_over(submit(ticket="ML-7", lookback_days=14))
    attempt = Attempt.objects.get(segment_run=run_of(request))
    run = fake.runs[attempt.outside_id]
    assert attempt.outside_id == f"portal-{run_of(request).uuid}-1"
    assert run["conf"] == {"city": "atlanta", "ticket": "ML-7", "lookback_days": 14, "mode": "succeed"}
    assert run["note"].startswith(f"Requested by {owner} in the portal's request #{request.pk}. https://portal.")
    look(request, 4)
    assert (request.status, len(fake.runs), fake.called("POST", "dagRuns")) == ("finished", 3, 3)
    assert ModelVersion.objects.count() == 3
    ended = run_of(request)
    assert (ended.status, ended.worker) == ("succeeded", "airflow")
    assert "train of atlanta begins" in ended.log
    assert ended.version
    assert ended.run
    assert set(reported(ended.run)) == {"mape"}
    with open_file(tree=ended.version.its_tree, path="result.json") as file:
        assert json.loads(file.read()) == {"mape": 0.123, "city": "atlanta"}
    assert {file.path for file in files_of(ended.version.its_tree)} == {"metrics.json", "result.json"}


def test_training_code_there_is_lent_a_token_of_its_run_which_ends_with_it(
    submit: Submit, fake: Fake, owner: User, colleague: User, stranger: User, operator: User
) -> None:
    request = handed_over(submit("boston", ticket="ML-7"))
    key = next(iter(fake.runs))
    asks = {user: api(user, scope=["retraining:log"]) for user in (colleague, operator)}
    lent = [client.post(f"{API}/run-tokens/", {"key": key}, format="json") for client in asks.values()]
    assert [answer.status_code for answer in lent] == [201, 201]
    run = run_of(request, "boston")
    assert run.run
    assert [answer.json()["run_id"] for answer in lent] == [run.run_id] * 2
    tokens = [answer.json()["token"] for answer in lent]
    assert len({*tokens}) == 2
    logged = {"run_id": run.run_id, "key": "loss", "value": 0.5, "timestamp": 1}
    for token in tokens:
        headers = {"Authorization": f"Bearer {token}"}
        assert Client().post(LOG_METRIC, logged, "application/json", headers=headers).status_code == 200
        assert Client().get(f"{API}/segment-runs/", headers=headers).status_code == 403
    assert AuditEvent.objects.filter(action="retraining.run_token_lent").count() == 2
    refused = {
        api(stranger, scope=["retraining:log"]): 403,
        api(owner, scope=["retraining:operate"]): 403,
        api(owner, scope=["retraining:log"], families=["another"]): 404,
        APIClient(): 401,
    }
    for client, status in refused.items():
        assert client.post(f"{API}/run-tokens/", {"key": key}, format="json").status_code == status
    said = json.dumps([fake.runs[key]["conf"], fake.runs[key]["note"], run.request.plan, run.message])
    assert not [token for token in tokens if token in said]
    look(request, 4)
    assert set(reported(run.run)) == {"mape", "loss"}
    assert not ApiToken.objects.filter(scopes=[f"run:{run.run_id}"]).exists()
    assert asks[colleague].post(f"{API}/run-tokens/", {"key": key}, format="json").status_code == 404


def test_a_run_that_is_being_cancelled_is_lent_nothing(submit: Submit, fake: Fake, owner: User) -> None:
    request = handed_over(submit("boston", ticket="ML-7", mode="work"))
    actions.cancel_request(actor=owner, request=request)
    with pytest.raises(Conflict, match="nothing more to log"):
        actions.lend_run_token(actor=owner, key=next(iter(fake.runs)))
    for key in ("", "\0", "portal-nothing-1"):
        with pytest.raises(Missing):
            actions.lend_run_token(actor=owner, key=key)


def test_what_failed_is_run_again_in_the_same_dag_run(submit: Submit, owner: User, fake: Fake) -> None:
    request = handed_over(submit("boston", ticket="ML-7", mode="fail"))
    look(request, 4)
    assert request.status == "failed"
    assert run_of(request, "boston").reason == "The task train failed: ValueError: training failed on purpose."
    assert "ValueError: training failed on purpose" in run_of(request, "boston").log
    actions.retry_run(actor=owner, run=run_of(request, "boston"))
    look(handed_over(request), 4)
    assert (request.status, len(fake.runs), fake.called("POST", "clearTask")) == ("finished", 1, 1)
    assert list(run_of(request, "boston").attempts.values_list("end", flat=True)) == ["failed", "succeeded"]


def test_too_few_rows_end_as_no_data(submit: Submit, fake: Fake) -> None:
    request = handed_over(submit("boston", ticket="ML-7", mode="no-data"))
    look(request, 4)
    run = run_of(request, "boston")
    assert (run.status, run.reason) == ("no_data", "Only 2 of the 60 rows needed.")


def test_what_a_dag_says_of_its_data_becomes_a_signal(submit: Submit, owner: User, fake: Fake) -> None:
    request = handed_over(submit("boston", ticket="ML-7", mode="drift"))
    look(request, 4)
    signal = Signal.objects.get()
    assert (signal.kind, signal.is_alarm, signal.sent_by, signal.segment) == (
        "drift",
        True,
        owner,
        run_of(request, "boston").segment,
    )
    assert request.status == "finished"


def test_a_dag_that_reports_nothing_fails_with_a_sentence(submit: Submit, fake: Fake) -> None:
    request = handed_over(submit("boston", ticket="ML-7", mode="silent"))
    fake.params.clear()
    look(request, 4)
    assert "reported nothing" in run_of(request, "boston").reason


def test_a_cancelled_run_is_stopping_until_its_processes_have_ended(
    submit: Submit, owner: User, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = handed_over(submit("boston", ticket="ML-7", mode="work"))
    look(request, 2)
    actions.cancel_request(actor=owner, request=request)
    look(request, 3)
    run = run_of(request, "boston")
    assert (run.status, run.is_stopping, run.message[:9]) == ("running", True, "Stopping:")
    assert [one["state"] for one in fake.runs.values()] == ["failed"]
    monkeypatch.setattr(Airflow, "stopping_seconds", 0)
    look(request)
    assert (run_of(request, "boston").status, request.status) == ("cancelled", "cancelled")
    assert (len(fake.runs), fake.ended) == (1, 1)


def test_a_cancelled_run_that_never_reached_the_platform_is_not_sent(submit: Submit, owner: User, fake: Fake) -> None:
    fake.refuses = 503
    request = handed_over(submit("boston", ticket="ML-7"))
    fake.refuses = 0
    actions.cancel_request(actor=owner, request=request)
    look(request)
    assert (run_of(request, "boston").status, fake.runs) == ("cancelled", {})


def test_a_cancelled_retry_is_not_begun_again(submit: Submit, owner: User, fake: Fake) -> None:
    request = handed_over(submit("boston", ticket="ML-7", mode="fail"))
    look(request, 4)
    actions.retry_run(actor=owner, run=run_of(request, "boston"))
    fake.refuses = 503
    handed_over(request)
    fake.refuses = 0
    actions.cancel_request(actor=owner, request=request)
    look(request, 2)
    assert (run_of(request, "boston").status, fake.called("POST", "clearTask")) == ("cancelled", 0)


def test_nobody_waits_for_a_platform_that_is_known_to_be_away(
    submit: Submit, fake: Fake, connection: Connection
) -> None:
    Connection.objects.update(address=f"http://127.0.0.1:{free_port()}")
    connection.refresh_from_db()
    look_after(connection=connection)
    Connection.objects.update(address=fake.address)
    request = handed_over(submit("boston", ticket="ML-7"))
    assert (fake.calls, run_of(request, "boston").message[:22]) == ([], "Waits for the platform")
    look(request, 4)
    assert request.status == "finished"


@pytest.mark.parametrize("status", [500, 504])
def test_a_lost_answer_makes_no_second_run(submit: Submit, fake: Fake, status: int) -> None:
    fake.answers_after_accepting = status
    request = handed_over(submit(ticket="ML-7"))
    look(request, 4)
    assert (request.status, len(fake.runs)) == ("finished", 3)


def test_a_worker_that_dies_between_claim_and_trigger_loses_nothing(submit: Submit, fake: Fake) -> None:
    request = submit("boston", ticket="ML-7")
    actions.drive(request_id=request.pk)
    assert actions.claim(run_id=run_of(request, "boston").pk, worker="airflow")
    assert not fake.runs
    as_if_unseen()
    look(request, 4)
    assert (request.status, len(fake.runs), run_of(request, "boston").attempt) == ("finished", 1, 1)


@pytest.mark.parametrize("harm", ["down", "500", "garbage", "401"])
def test_a_platform_in_trouble_keeps_the_run_open_and_says_why(
    submit: Submit, fake: Fake, connection: Connection, harm: str
) -> None:
    request = handed_over(submit("boston", ticket="ML-7"))
    fake.refuses = {"500": 500, "401": 401}.get(harm, 0)
    fake.garbage = harm == "garbage"
    if harm == "down":
        Connection.objects.update(address=f"http://127.0.0.1:{free_port()}")
    for _ in range(3):
        as_if_unseen()
        look(request, 2)
    run = run_of(request, "boston")
    assert (run.status, run.attempt) == ("running", 1)
    assert run.message.startswith("Waits for the platform: ")
    assert PASSWORD not in run.message
    fake.refuses, fake.garbage = 0, False
    Connection.objects.update(address=fake.address)
    look(request, 4)
    assert (request.status, len(fake.runs)) == ("finished", 1)


def test_a_run_that_the_platform_has_forgotten_is_tried_again_under_a_new_id(submit: Submit, fake: Fake) -> None:
    request = handed_over(submit("boston", ticket="ML-7", mode="work"))
    look(request)
    fake.runs.clear()
    look(request)
    as_if_unseen()
    look(request)
    run = run_of(request, "boston")
    assert (run.status, run.cause) == ("waiting", "lost")
    assert "no longer knows" in run.reason
    SegmentRun.objects.update(not_before=None)
    handed_over(request)
    assert list(fake.runs) == [f"portal-{run.uuid}-2"]


def test_a_request_that_a_platform_runs_waits_for_no_worker_of_ours(submit: Submit, pipeline: Pipeline) -> None:
    Pipeline.objects.update(max_concurrent=1)
    pipeline.refresh_from_db()
    request = handed_over(submit(ticket="ML-7"))
    assert queries.why_they_wait([request])[request.pk] == [
        "2 runs wait: Retrain a city has as many on their way as it may."
    ]


def test_what_was_accepted_and_does_not_start_says_what_is_wrong_there(
    submit: Submit, fake: Fake, connection: Connection, operator: User, owner: User
) -> None:
    request = handed_over(submit("boston", ticket="ML-7"))
    fake.stands_still = True
    fake.health["scheduler"] = {"status": "unhealthy"}
    look_after(connection=connection)
    Attempt.objects.update(accepted_at=Now() - timedelta(minutes=4, seconds=5))
    look(request)
    assert run_of(request, "boston").message == (
        "Accepted 4 min ago, still queued: the scheduler has no heartbeat, so what is sent waits until somebody "
        "starts it."
    )
    Attempt.objects.update(started_at=Now() - timedelta(minutes=4, seconds=5))
    assert queries.why_they_wait([request])[request.pk] == [
        "1 run waits in airflow, the first for 4 min 5 s: the scheduler has no heartbeat, so what is sent waits until "
        "somebody starts it."
    ]
    for person, told in ((operator, True), (owner, False)):
        page = signed_in(person).get("/operations/").content.decode()
        assert ("The connection airflow is in trouble" in page) is told


def test_what_the_platform_refuses_ends_with_its_sentence(submit: Submit, fake: Fake) -> None:
    request = handed_over(submit("boston", ticket="ML-7", lookback_days=99))
    look(request)
    run = run_of(request, "boston")
    assert (run.status, run.cause, run.attempt) == ("failed", "refused", 1)
    assert "Invalid input for param lookback_days: 99 is wrong" in run.reason


def test_a_run_beyond_its_limit_is_ended_there_too(submit: Submit, fake: Fake, pipeline: Pipeline) -> None:
    request = handed_over(submit("boston", ticket="ML-7", mode="work"))
    look(request, 2)
    for run in fake.runs.values():
        run["start_date"] = "2020-01-01T00:00:00Z"
    as_if_unseen()
    look(request)
    assert (run_of(request, "boston").cause, [run["state"] for run in fake.runs.values()]) == ("timeout", ["failed"])


def test_what_came_late_changes_nothing(submit: Submit, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two look at the same moment: both hand in, one is taken."""
    request = handed_over(submit("boston", ticket="ML-7"))
    look(request)
    held = actions.take_due(connection_id=Connection.objects.get().pk)
    as_if_unseen()
    look(request, 3)
    assert run_of(request, "boston").status == "succeeded"
    monkeypatch.setattr(actions, "take_due", lambda *, connection_id: held)
    fake.runs.clear()
    look(request)
    assert (run_of(request, "boston").status, ModelVersion.objects.count()) == ("succeeded", 1)


def test_a_dag_that_changes_makes_a_new_version_of_its_pipeline(pipeline: Pipeline, fake: Fake) -> None:
    lookups.look_up(pipeline.pk)
    fake.params["lookback_days"]["schema"]["maximum"] = 90
    fake.params["horizon"] = {"value": 7, "schema": {"type": "integer"}, "description": None, "source": None}
    lookups.look_up(pipeline.pk)
    lookups.look_up(pipeline.pk)
    pipeline.refresh_from_db()
    assert pipeline.version == 2
    assert pipeline.schema["properties"]["horizon"] == {"type": "integer", "default": 7}
    assert "city" not in pipeline.schema["properties"]
    newest = PipelineVersion.objects.get(pipeline=pipeline, number=2)
    assert newest.definition["schema"]["properties"]["lookback_days"]["maximum"] == 90


def test_what_keeps_a_dag_from_running_is_said_before_anything_is_sent(
    submit: Submit, pipeline: Pipeline, fake: Fake
) -> None:
    fake.params["city"]["schema"]["enum"] = ["atlanta", "boston"]
    lookups.look_up(pipeline.pk)
    pipeline.refresh_from_db()
    with pytest.raises(Invalid, match="'city' does not take chicago"):
        submit(ticket="ML-7")
    for harm, said in ({"is_paused": True}, "is paused"), ({"has_import_errors": True}, "can not import"):
        fake.dag |= harm
        lookups.look_up(pipeline.pk)
        pipeline.refresh_from_db()
        assert said in pipeline.platform_notice + pipeline.platform_problem
    with pytest.raises(Invalid, match="can not import"):
        submit("atlanta", ticket="ML-7")
    del fake.params["city"]
    fake.dag["has_import_errors"] = False
    lookups.look_up(pipeline.pk)
    pipeline.refresh_from_db()
    assert "no longer has the parameter 'city'" in pipeline.platform_problem


def test_a_definition_names_a_script_or_a_workflow(admin: User, team: Team, pipeline: Pipeline) -> None:
    plain = {"name": "X", "team": team.slug, "schema": SCHEMA}
    wrong: dict[str, dict[str, Any]] = {
        "script": {},
        "connection": {"connection": "airflow", "workflow": "x", "script": "toy.py"},
        "workflow": {"connection": "airflow"},
        "segment_parameter": {"connection": "airflow", "workflow": "x", "segment_parameter": "ticket"},
    }
    for field, said in (*wrong.items(), ("connection", {"connection": "nowhere", "workflow": "x"})):
        with pytest.raises(Invalid) as error:
            actions.put_pipeline(actor=admin, slug="x", said=plain | said)
        assert list(error.value.errors) == [field]
    again = actions.put_pipeline(actor=admin, slug="city", said=plain | {"connection": "airflow", "workflow": "x"})
    assert {one.path for one in again.differences} >= {"workflow", "segment_parameter"}


def test_a_connection_that_pipelines_run_on_stays(admin: User, pipeline: Pipeline, connection: Connection) -> None:
    with pytest.raises(Exception, match="pipelines run"):
        remove_connection(actor=admin, connection=connection)
