"""What is written to a run after it has ended is shown, and changes nothing that a gate reads."""

import pytest

from apps.accounts.models import User
from apps.registry.models import ModelFamily, Segment
from apps.registry.queries import candidacies
from apps.tracking.actions import close_run, ensure_experiment, open_run
from tests.mlflow_protocol.conftest import Speak, refusal
from tests.registry import conftest as registry

pytestmark = pytest.mark.django_db
atlanta, family = registry.atlanta, registry.family
evaluate, make_champion, make_version = registry.evaluate, registry.make_champion, registry.make_version


def test_tracking_writes_to_a_finished_run_change_nothing_that_gates_read(
    owner: User,
    family: ModelFamily,
    atlanta: Segment,
    make_champion: registry.MakeVersion,
    make_version: registry.MakeVersion,
    evaluate: registry.Evaluate,
    speak: Speak,
) -> None:
    experiment = ensure_experiment(actor=owner, name="eta-trip", team=family.team)
    run = open_run(actor=owner, experiment=experiment, name="atlanta", tags={})
    make_champion(atlanta)
    version = make_version(atlanta, run=run)
    evaluate(version)
    close_run(actor=owner, run=run, status="FINISHED")
    before = candidacies(family, [version])
    client = speak(owner)
    for path, body in (
        ("runs/log-metric", {"key": "mae", "value": 0.0, "timestamp": 1}),
        ("runs/log-parameter", {"key": "as_of", "value": "2012-01-01"}),
        ("runs/set-tag", {"key": "trained_through", "value": "2012-01-01"}),
        ("runs/update", {"status": "RUNNING", "run_name": "better"}),
    ):
        assert client.post(path, run_id=run.pk, **body)[0] == 200
    assert client.send("PUT", f"/api/2.0/mlflow-artifacts/artifacts/1/{run.pk}/artifacts/model.json", b"{}").status_code
    assert refusal(
        client.answered(
            client.send("PUT", f"/api/2.0/mlflow-artifacts/artifacts/versions/{version.pk}/model.json", b"evil")
        )
    ) == (409, "RESOURCE_CONFLICT")
    assert client.post("runs/delete", run_id=run.pk)[0] == 200
    version.refresh_from_db()
    assert candidacies(family, [version]) == before
    assert before[0].verdicts
