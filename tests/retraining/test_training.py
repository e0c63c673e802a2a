"""One segment run with the real runner: from claim to result."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.artifacts.queries import open_file
from apps.core.errors import Invalid
from apps.registry.models import ModelVersion
from apps.retraining import actions, training
from apps.retraining.models import Pipeline, RetrainingRequest
from apps.retraining.queries import definition_of
from tests.retraining.conftest import Submit, run_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_heartbeats(settings: Settings) -> Any:
    settings.RETRAINING_HEARTBEAT_SECONDS = 0.2
    training.default_runner.cache_clear()
    yield
    training.default_runner().close()
    training.default_runner.cache_clear()


def train(request: RetrainingRequest, segment: str = "atlanta") -> None:
    actions.drive(request_id=request.pk)
    training.train(run_of(request, segment).pk, worker="work@test")


def test_a_script_that_succeeds_leaves_a_version_with_its_files(submit: Submit) -> None:
    request = submit("atlanta", alpha=2.5)
    train(request)
    run = run_of(request)
    assert (run.status, run.reason) == ("succeeded", "")
    assert f"training atlanta as {run.run_id}" in run.log
    with open_file(tree=ModelVersion.objects.get().its_tree, path="model.json") as file:
        assert file.read() == b'{"segment": "atlanta", "alpha": 2.5}'


def test_a_city_without_enough_rows_ends_as_no_data(submit: Submit) -> None:
    request = submit("atlanta", mode="no-data")
    train(request)
    assert (run_of(request).status, run_of(request).reason) == ("no_data", "Only 2 of the 60 rows needed.")


def test_a_script_that_raises_fails_with_its_last_words(submit: Submit) -> None:
    request = submit("atlanta", mode="raise")
    train(request)
    run = run_of(request)
    assert (run.status, run.cause) == ("failed", "exit")
    assert "the matrix is singular" in run.reason
    assert "Traceback" in run.log


def test_a_script_without_metrics_fails_with_a_sentence(submit: Submit) -> None:
    request = submit("atlanta", mode="no-metrics")
    train(request)
    assert run_of(request).status == "failed"
    assert "metrics.json" in run_of(request).reason


def test_a_running_script_is_ended_when_somebody_cancels(submit: Submit, owner: User) -> None:
    request = submit("atlanta", mode="work")
    actions.drive(request_id=request.pk)
    beats = []

    class CancelAtTheSecondBeat(training.Heartbeat):
        def __call__(self, progress: Any) -> Any:
            beats.append(progress)
            if len(beats) == 2:
                actions.cancel_request(actor=owner, request=request)
            return super().__call__(progress)

    claim = actions.claim(run_id=run_of(request).pk, worker="work@test")
    assert claim is not None
    outcome = training.default_runner().run(training.work_of(claim), CancelAtTheSecondBeat(claim))
    actions.finish(claim=claim, outcome=outcome)
    training.default_runner().discard(training.work_of(claim))
    assert run_of(request).status == "cancelled"
    assert run_of(request).progress is not None
    assert "tick" in run_of(request).message


def test_nothing_of_a_run_stays_on_disk_but_its_stored_files(submit: Submit) -> None:
    train(submit("atlanta"))
    assert not [path for path in training.scratch_root().rglob("*") if path.is_file() and path.name != "lock"]


def test_a_script_that_was_taken_away_is_said_and_tried_again(submit: Submit, pipelines_folder: Path) -> None:
    request = submit("atlanta")
    (pipelines_folder / "toy.py").unlink()
    train(request)
    run = run_of(request)
    assert (run.status, run.cause) == ("waiting", "start")
    assert "does not exist" in run.reason


def test_a_command_trains_only_where_the_settings_allow_commands(
    submit: Submit, admin: User, pipeline: Pipeline, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.PIPELINES_DIR / "train.sh").write_text('echo "{\\"mae\\": $QUOTA}" > metrics.json; grep -c alpha "$1"')
    said = {"command": ["/bin/sh", "{script}", "{params_file}"], "script": "train.sh"}
    definition = {**definition_of(pipeline), **said}
    with pytest.raises(Invalid, match="PIPELINE_COMMANDS=1"):
        actions.put_pipeline(actor=admin, slug="toy", said=definition)
    settings.PIPELINE_COMMANDS, settings.PIPELINE_COMMAND_ENVIRONMENT = True, ["QUOTA"]
    monkeypatch.setenv("QUOTA", "4.5")
    for field, wrong in ("command", ["sh"]), ("script", ""), ("preload", ["os"]):
        with pytest.raises(Invalid) as error:
            actions.put_pipeline(actor=admin, slug="toy", said=definition | {field: wrong})
        assert list(error.value.errors) == [field]
    actions.put_pipeline(actor=admin, slug="toy", said=definition)
    pipeline.refresh_from_db()
    request = submit("atlanta")
    assert request.plan["command"] == said["command"]
    train(request)
    assert (run_of(request).status, run_of(request).log) == ("succeeded", "1\n")
    settings.PIPELINE_COMMANDS = False
    with pytest.raises(Invalid, match="switched off"):
        submit("atlanta")


def test_a_worker_without_its_folders_reports_itself_and_says_which(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.PIPELINES_DIR = tmp_path / "file" / "pipelines"
    isolated = training.training_isolation()
    assert not isolated.on
    assert isolated.because.startswith(
        f"{settings.PIPELINES_DIR} is missing here and can not be made (Not a directory)"
    )
