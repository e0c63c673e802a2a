"""A request that goes through a real Airflow, and what has to be true of it in whichever line."""

import json
import re
from collections import Counter
from typing import Any

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.platforms.airflow.client import AirflowServer as Client
from apps.platforms.outgoing import Refused
from apps.registry.models import ModelFamily, ModelVersion
from apps.retraining import actions
from apps.retraining.models import Attempt, Pipeline, RetrainingRequest, SegmentRun
from tests.airflow.releases import PASSWORD, VIEWER
from tests.airflow.servers import AirflowServer
from tests.conftest import signed_in
from tests.faults.portal import Portal

DAG = "retrain_city"
LOOKED_AT = 5  # segment runs whose own pages are read; their rows and logs are, of all of them
PASSWORDS = "|".join(account.partition(":")[2] for account in (PASSWORD, VIEWER))
HERE = rf"{PASSWORDS}|eyJ"
"""What the portal must not say: a password for Airflow, or a token that it got for one."""
THERE = rf"{PASSWORDS}|(?<![0-9a-f])[0-9a-f]{{64}}(?![0-9a-f])"
"""What Airflow must not say: a password, or what looks like a token of the portal's."""


def send(owner: User, pipeline: Pipeline, family: ModelFamily, **parameters: Any) -> RetrainingRequest:
    """To every city."""
    return actions.submit_request(
        actor=owner, pipeline=pipeline, family=family, parameters={"ticket": "ML-7", **parameters}
    )


def ours(airflow: AirflowServer, request: RetrainingRequest) -> list[tuple[str, str]]:
    """Id and state of the DAG runs that this request has in Airflow's database, under whatever attempt."""
    keys = tuple(f"portal-{uuid}" for uuid in request.runs.values_list("uuid", flat=True))
    return [run for run in airflow.dag_runs() if run[0].startswith(keys)]


def assert_no_secret(airflow: AirflowServer, portal: Portal, request: RetrainingRequest, *more: str) -> None:
    """On no page, in no answer, no log and no conf, neither here nor there; `more` are secrets besides the usual."""
    here = [("the portal's log", portal.logs()), ("its rows", _rows(request)), *_shown_by_the_portal(request)]
    there = [("Airflow's log", airflow.logs())]
    for account in (VIEWER, PASSWORD):
        there += _shown_by_airflow(Client(airflow.address, account), request)
    for usual, said in ((HERE, here), (THERE, there)):
        secret = re.compile("|".join([usual, *map(re.escape, more)]))
        for place, text in said:
            found = secret.search(text)
            assert not found, f"{place} says {text[max(0, found.start() - 200) : found.end() + 20]}"


def assert_each_city_ran_once(airflow: AirflowServer, request: RetrainingRequest, **ends: int) -> None:
    """One DAG run each, whatever was tried on the way; `ends` count the segment runs by how they ended."""
    assert Counter(request.runs.values_list("status", flat=True)) == ends
    assert len(ours(airflow, request)) == request.segments_total
    assert ModelVersion.objects.count() == ends["succeeded"]
    for run in request.runs.filter(status="succeeded").select_related("version", "segment"):
        assert run.version
        assert run.version.origin == run.origin
        assert f"300 trips of {run.segment.slug}" in run.log


def assert_confs_are_the_form_s(airflow: AirflowServer, request: RetrainingRequest) -> None:
    """Each DAG run got the form's values and its city, and nothing else."""
    client = Client(airflow.address, PASSWORD)
    for key, _ in ours(airflow, request):
        run = client.get(f"dags/{request.plan['workflow']}/dagRuns/{key}")
        assert set(run["conf"]) == {*request.plan["parameters"], "city"}


def _rows(request: RetrainingRequest) -> str:
    rows = SegmentRun.objects.filter(request=request).values_list("log", "message", "reason")
    attempts = Attempt.objects.filter(segment_run__request=request).values_list("reason", "outside_id")
    audit = AuditEvent.objects.values_list("before", "after", "note")
    return json.dumps([*map(list, rows), *map(list, attempts), *map(list, audit), request.plan], default=str)


def _shown_by_the_portal(request: RetrainingRequest) -> list[tuple[str, str]]:
    """Pages and answers about the request, some of its runs, the pipeline, the connection, and who did what."""
    runs = list(request.runs.order_by("pk").values_list("pk", flat=True)[:LOOKED_AT])
    slug = request.pipeline.slug
    anybody = [f"/retraining/{request.pk}/", f"/api/v1/requests/{request.pk}/", f"/api/v1/pipelines/{slug}/"]
    anybody += [f"/retraining/pipelines/{slug}/", "/retraining/"]
    for run in runs:
        anybody += [f"/retraining/runs/{run}/", f"/api/v1/segment-runs/{run}/", f"/api/v1/segment-runs/{run}/log/"]
    at = "/connections/airflow/"
    kept = ["/connections/", at, f"{at}edit/", f"{at}workflows/", "/operations/"]
    kept += [f"/api/v1{at}", f"/api/v1{at}workflows/", f"/api/v1{at}uses/"]
    owner, admin = signed_in(request.requester), signed_in(User.objects.get(username="admin"))
    found = {path: owner.get(path) for path in anybody} | {path: admin.get(path) for path in kept}
    assert {path for path, answer in found.items() if answer.status_code != 200} == set()
    return [(path, answer.content.decode()) for path, answer in found.items()]


def _shown_by_airflow(client: Client, request: RetrainingRequest) -> list[tuple[str, str]]:
    """Every run with its conf and note, tasks, logs and results of some, who asked what, connections, variables."""
    dag = request.plan["workflow"]
    paths = ["eventLogs", "connections", "variables", f"dags/{dag}/details", f"dags/{dag}/dagRuns?limit=100"]
    keys = Attempt.objects.filter(segment_run__request=request).order_by("pk").values_list("outside_id", flat=True)
    for key in keys[:LOOKED_AT]:
        run = f"dags/{dag}/dagRuns/{key}"
        train = f"{run}/taskInstances/train"
        paths += [run, f"{run}/taskInstances", train, f"{train}/logs/1", f"{train}/xcomEntries"]
    said = [(path, _answer(client, path)) for path in paths]
    assert sum(bool(answer) for _, answer in said) > len(paths) / 2
    return said


def _answer(client: Client, path: str) -> str:
    try:
        return json.dumps(client.get(path))
    except Refused:  # not for this reader
        return ""
