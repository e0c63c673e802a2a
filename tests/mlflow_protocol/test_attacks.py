"""What holds for every endpoint at once: strangers, both spellings, and doors of MLflow's that are not there."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Team, User
from apps.mlflow_protocol.endpoints import Endpoint
from apps.mlflow_protocol.table import ENDPOINTS
from apps.registry.actions import Origin, create_version
from apps.registry.models import ModelFamily, ModelVersion, Segment
from apps.tracking.actions import create_logged_model, ensure_experiment, open_run
from apps.tracking.models import Experiment, Run, Visibility
from tests.conftest import signed_in
from tests.mlflow_protocol.conftest import PREFIXES, Speak
from tests.registry import conftest as registry
from tests.registry.conftest import MakeVersion

pytestmark = pytest.mark.django_db
atlanta, family, make_version = registry.atlanta, registry.family, registry.make_version
NAME = "eta-trip.atlanta"
SECRET = "only-for-the-team"
FINDS_NOTHING = {"search", "get-history-bulk", "get-history-bulk-interval", "server-info", "webhooks", "artifacts"}
"""Ends of addresses that answer anybody, with what they may see."""
FOR_ANYBODY = {"mlflow/experiments/create"}
"""Makes something of one's own."""


@pytest.fixture
def hidden(owner: User, team: Team, family: ModelFamily, make_version: MakeVersion, atlanta: Segment) -> dict[str, Any]:
    """A team's own family, experiment, run and logged model, as the fields of calls name them."""
    experiment = ensure_experiment(actor=owner, name=SECRET, team=team)
    run = open_run(actor=owner, experiment=experiment, name=SECRET, tags={})
    model = create_logged_model(
        actor=owner, experiment=experiment, run=run, name=SECRET, kind="", params={"a": SECRET}, tags={}
    )
    version = make_version(atlanta)
    create_version(actor=owner, model=version.model, origin=Origin("s3://b/m"), description=SECRET)
    Experiment.objects.update(visibility=Visibility.TEAMS)
    ModelFamily.objects.update(visibility="teams")
    pair = [{"key": "k", "value": "v"}]
    return {
        **{"name": NAME, "new_name": "mine", "version": "1", "alias": "x", "key": "k", "value": "1", "stage": "None"},
        **{"experiment_id": str(experiment.pk), "experiment_name": SECRET, "experiment_ids": [str(experiment.pk)]},
        **{"run_id": run.pk, "run_ids": [run.pk], "run_uuid": run.pk, "source_run_id": run.pk, "status": "FINISHED"},
        **{"model_id": model.pk, "tag_key": "k", "metric_key": "loss", "timestamp": 1, "source": f"models:/{model.pk}"},
        **{"tags": pair, "params": pair, "metrics": [{"key": "m", "value": 1, "timestamp": 1}]},
        **{"models": [{"model_id": model.pk}], "datasets": [], "filter": "", "max_results": 50},
        "path": f"{experiment.pk}/{run.pk}/artifacts/a",
    }


def called(endpoint: Endpoint, known: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The address and fields of a call that would do something."""
    address = re.sub(r"{(\w+)\*?}", lambda place: str(known.get(place[1], "none")), endpoint.path)
    fields = {field.name: known[field.name] for field in endpoint.fields if field.name in known}
    if endpoint.path.startswith("mlflow/logged-models") and "status" in fields:
        fields["status"] = "LOGGED_MODEL_READY"
    if endpoint.path.startswith("mlflow/runs/get-history-bulk"):
        fields["run_id"] = [known["run_id"]]
    return f"{{}}/{endpoint.version}/{address}", fields


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_stranger_reaches_nothing_of_a_team_by_any_endpoint(
    stranger: User, speak: Speak, hidden: dict[str, Any], prefix: str
) -> None:
    foreign, kept = speak(stranger), (Run.objects.values().get(), list(ModelVersion.objects.values()))
    for endpoint in ENDPOINTS:
        address, fields = called(endpoint, hidden)
        read = endpoint.method == "GET"
        answer = foreign.send(endpoint.method, address.format(prefix), None if read else fields, query=fields)
        assert SECRET not in answer.content.decode() or answer.status_code == 404, endpoint
        if address.rpartition("/")[2] not in FINDS_NOTHING and endpoint.path not in FOR_ANYBODY:
            assert answer.status_code in (400, 403, 404, 501), (endpoint, answer.content)
    assert (Run.objects.values().get(), list(ModelVersion.objects.values())) == kept


def test_the_owner_s_same_calls_reach_it(owner: User, speak: Speak, hidden: dict[str, Any]) -> None:
    """The walk above would be worth little if its calls said nothing."""
    own, found = speak(owner), 0
    for endpoint in ENDPOINTS:
        if endpoint.method == "GET":
            address, fields = called(endpoint, hidden)
            found += own.send("GET", address.format("/api"), query=fields).status_code == 200
    assert found > 14


@pytest.mark.parametrize("prefix", PREFIXES)
def test_no_endpoint_takes_both_spellings_of_a_field(owner: User, speak: Speak, prefix: str) -> None:
    client, tried = speak(owner), 0
    for endpoint in ENDPOINTS:
        for field in endpoint.fields:
            if field.camel == field.name or f"{{{field.name}}}" in endpoint.path:
                continue
            sent: dict[str, object] = {field.name: "1", field.camel: "2", "name": "x"}
            address, read = called(endpoint, {})[0].format(prefix), endpoint.method == "GET"
            answer = client.send(endpoint.method, address, None if read else sent, query=sent if read else None)
            assert answer.status_code == 400, (endpoint, field)
            tried += 1
    assert tried > 30


@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_ways_to_files_that_mlflow_had_holes_in_are_not_there(
    owner: User, speak: Speak, prefix: str, times: int
) -> None:
    climbing = "../../etc/passwd"
    for _ in range(times):
        climbing = climbing.replace("%", "%25").replace("/", "%2f").replace(".", "%2e")
    client = speak(owner)
    for way in ("presigned", "mpu/create", "mpu/complete", "mpu/abort"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = client.send(method, f"{prefix}/2.0/mlflow-artifacts/{way}/{climbing}", {"path": climbing})
            assert answer.status_code in (400, 404), (way, method)
    for way in ("mlflow/get-artifact", "mlflow/model-versions/get-artifact", "mlflow/gateway-proxy", "graphql"):
        assert client.send("GET", f"{prefix}/2.0/{way}", query={"path": climbing}).status_code == 404


def test_the_browser_s_ways_of_mlflow_are_closed_to_all(owner: User) -> None:
    for client in (Client(), signed_in(owner)):
        for way in ("get-artifact", "model-versions/get-artifact", "graphql", "ajax-api/2.0/mlflow/upload-artifact"):
            for method in ("GET", "POST", "PUT", "DELETE"):
                answer = client.generic(method, f"/{way}?path=../../etc/passwd&name=x&version=1&run_uuid=x")
                assert answer.status_code in (302, 401, 403, 404), (way, method)
                assert b"root:" not in answer.content
