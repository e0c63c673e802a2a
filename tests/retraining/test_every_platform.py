"""What a request goes through is the same whoever runs it: workers of ours, Airflow 3, Airflow 2."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from apps.accounts.models import Team, User
from apps.platforms.actions import add_connection
from apps.platforms.airflow import Airflow
from apps.platforms.airflow.client import _sessions
from apps.registry.models import ModelFamily, ModelVersion
from apps.retraining import abroad, actions, training
from apps.retraining.models import Attempt, Pipeline, RetrainingRequest, SegmentRun
from apps.tracking.models import Run
from apps.tracking.queries import reported
from tests.platforms.fake_airflow import PASSWORD, fake_airflow
from tests.retraining import test_abroad
from tests.retraining.conftest import DEFINITION, Submit, end_pauses, lose_lease, run_of

pytestmark = pytest.mark.django_db
Go = Callable[[RetrainingRequest], None]
LOOKS = 5


@pytest.fixture(params=["local", "airflow-3", "airflow-2"])
def place(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    settings.RETRAINING_POLL_SECONDS = -1
    settings.RETRAINING_HEARTBEAT_SECONDS = 0.2
    yield request.param
    _sessions.clear()


@pytest.fixture
def pipeline(place: str, admin: User, team: Team, family: ModelFamily) -> Iterator[Pipeline]:
    with ExitStack() as stack:
        definition = DEFINITION
        if place != "local":
            fake = stack.enter_context(fake_airflow(2 if place == "airflow-3" else 1))
            add_connection(actor=admin, name="airflow", kind="airflow", address=fake.address, secret=PASSWORD)
            definition = test_abroad.DEFINITION
        yield actions.define_pipeline(actor=admin, slug="x", team=team, families=[family], definition=definition)


@pytest.fixture
def ask(place: str, submit: Submit) -> Callable[[str], RetrainingRequest]:
    """A request for Atlanta that succeeds, fails, finds no data or works on, in the words of the place."""

    def send(mode: str) -> RetrainingRequest:
        if place == "local":
            return submit("atlanta", mode="raise" if mode == "fail" else mode)
        return submit("atlanta", mode=mode, ticket="ML-7")

    return send


@pytest.fixture
def go(place: str) -> Iterator[Go]:
    """As the engine does it, step by step, until nothing more happens."""
    training.default_runner.cache_clear()
    yield lambda request: _went(request, place)
    training.default_runner().close()
    training.default_runner.cache_clear()


def _went(request: RetrainingRequest, place: str) -> None:
    actions.drive(request_id=request.pk)
    sent = list(request.runs.filter(status="sent").values_list("pk", flat=True))
    if place == "local":
        for run_id in sent:
            training.train(run_id, worker="work@a")
    else:
        abroad.hand_over(sent)
        for _ in range(LOOKS):
            for connection_id in Attempt.objects.values_list("connection_id", flat=True).distinct():
                abroad.attend(connection_id or 0)
    actions.drive(request_id=request.pk)
    request.refresh_from_db()


def test_success_is_one_version_with_its_evidence(ask: Callable[[str], RetrainingRequest], go: Go) -> None:
    request = ask("succeed")
    go(request)
    run = run_of(request)
    assert (request.status, run.status, run.attempt, run.reason) == ("finished", "succeeded", 1, "")
    version = ModelVersion.objects.get()
    assert (version.origin, version.run_id, version.pipeline) == (run.origin, run.run_id, "x")
    tracked = Run.objects.get()
    assert (tracked.status, tracked.tags.get(key="portal.segment").value) == ("FINISHED", "atlanta")
    assert len(reported(tracked)) == 1
    assert run.log
    assert run.lease_until is None


def test_a_failure_has_its_sentence_and_is_not_tried_again_by_itself(
    ask: Callable[[str], RetrainingRequest], go: Go, owner: User
) -> None:
    request = ask("fail")
    go(request)
    assert (request.status, run_of(request).cause) == ("failed", "exit")
    assert "ValueError" in run_of(request).reason
    assert Run.objects.get().status == "FAILED"
    actions.retry_run(actor=owner, run=run_of(request))
    go(request)
    assert (run_of(request).attempt, run_of(request).attempts.count()) == (2, 2)
    assert ModelVersion.objects.count() == (run_of(request).status == "succeeded")


def test_too_few_rows_are_no_data(ask: Callable[[str], RetrainingRequest], go: Go) -> None:
    request = ask("no-data")
    go(request)
    assert (request.status, run_of(request).status) == ("finished", "no_data")
    assert run_of(request).reason == "Only 2 of the 60 rows needed."


def test_what_is_delivered_twice_is_done_once(ask: Callable[[str], RetrainingRequest], go: Go, place: str) -> None:
    request = ask("succeed")
    go(request)
    ids = [run_of(request).pk]
    if place == "local":
        assert not training.train(ids[0], worker="work@b")
    else:
        abroad.hand_over(ids)
    go(request)
    assert (Attempt.objects.count(), ModelVersion.objects.count()) == (1, 1)


def test_whoever_dies_after_the_claim_loses_nothing(ask: Callable[[str], RetrainingRequest], go: Go) -> None:
    request = ask("succeed")
    actions.drive(request_id=request.pk)
    assert actions.claim(run_id=run_of(request).pk, worker="dies")
    lose_lease()
    go(request)
    end_pauses()
    go(request)
    assert (request.status, ModelVersion.objects.count()) == ("finished", 1)
    assert not Attempt.objects.filter(ended_at=None).exists()


def test_a_held_request_sends_nothing(ask: Callable[[str], RetrainingRequest], go: Go, owner: User) -> None:
    request = ask("succeed")
    actions.hold_request(actor=owner, request=request, reason="Wait.")
    go(request)
    assert (run_of(request).status, Attempt.objects.count()) == ("waiting", 0)
    actions.resume_request(actor=owner, request=request)
    go(request)
    assert request.status == "finished"


def test_a_cancelled_request_ends_and_makes_no_version(
    ask: Callable[[str], RetrainingRequest], go: Go, owner: User, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Airflow, "stopping_seconds", 0)
    request = ask("succeed" if place == "local" else "work")
    if place != "local":
        go(request)
        assert run_of(request).status == "running"
    actions.cancel_request(actor=owner, request=request)
    SegmentRun.objects.filter(status="running").update(lease_until=Now() - timedelta(seconds=1))
    go(request)
    assert (request.status, run_of(request).status, ModelVersion.objects.count()) == ("cancelled", "cancelled", 0)
    assert not Run.objects.filter(status="RUNNING").exists()
