"""OpenLineage events: taken once, matched to the runs that they are about, seen only by who may see those."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.actions import create_run_token
from apps.accounts.models import User
from apps.core.errors import Invalid
from apps.lineage import actions, openlineage
from apps.lineage.models import ToldDataset, ToldEvent, ToldRun
from apps.registry.actions import update_family
from apps.registry.models import ModelFamily
from apps.retraining.models import SegmentRun
from tests.conftest import api, signed_in
from tests.lineage.conftest import Event

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/lineage"
TRIPS = {"namespace": "s3://lake", "name": "trips/city=atlanta"}
VIEW = {
    "namespace": "feast://eta",
    "name": "city_trip_stats",
    "facets": {
        "schema": {"fields": [{"name": "avg_km", "type": "float"}, {"name": "trips"}, {"type": "x"}, 7]},
        "version": {"datasetVersion": "v12"},
        "acme_unheard_of": {"_producer": "https://x", "nested": [1, {"a": None}]},
    },
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def send(user: User, body: object) -> Any:
    return api(user).post(ADDRESS, body, format="json")


def test_an_event_about_a_run_of_ours_is_kept_once_with_what_it_read_and_wrote(
    training: SegmentRun, owner: User, event: Event
) -> None:
    told = event(str(UUID(training.run_id)), inputs=[TRIPS, VIEW, TRIPS], outputs=[{"namespace": "m", "name": "eta"}])
    for status, said in ((201, "told of the run"), (200, "there already"), (200, "there already")):
        answer = send(owner, told)
        assert (answer.status_code, answer.json()["run"]) == (status, training.run_id)
        assert said in answer.json()["said"]
    kept = ToldRun.objects.get()
    assert (kept.run_id, kept.state, kept.told_by, ToldEvent.objects.count()) == (training.run_id, "COMPLETE", owner, 1)
    view = kept.datasets.get(namespace="feast://eta")
    assert (view.fields, view.version, view.is_feature_view) == ([["avg_km", "float"], ["trips", ""]], "v12", True)
    assert [one.role for one in kept.datasets.all()].count("input") == 2


def test_what_airflows_own_provider_sends_is_matched_to_the_attempt_it_ran(
    training: SegmentRun, airflow_account: User, owner: User
) -> None:
    """The lines were sent by apache-airflow-providers-openlineage 2.20.3 in an Airflow 3.3.2, of a DAG run of ours."""
    ours = f"portal-{training.uuid}-1"
    training.attempts.update(outside_id=ours)
    lines = (Path(__file__).parent / "airflow_3_3_2.jsonl").read_text().splitlines()
    events = [json.loads(line.replace("portal-3f2b8c1e-5d4a-4b6f-9e0d-1a2b3c4d5e6f-1", ours)) for line in lines]
    for body in (*events, *reversed(events)):
        assert send(airflow_account, body).json()["run"] == training.run_id
    assert {told.job: told.state for told in ToldRun.objects.all()} == {
        "retrain_city": "COMPLETE",
        "retrain_city.train": "COMPLETE",
    }
    assert ToldEvent.objects.count() == len(events) == 4
    kept = ToldRun.objects.get(job="retrain_city.train")
    assert kept.started_at
    assert kept.ended_at
    assert (kept.started_at <= kept.ended_at, kept.outside_id) == (True, ours)
    assert "retrain_city.train" in signed_in(owner).get(f"/runs/{training.run_id}/").content.decode()


def test_parts_of_a_matched_run_are_found_whichever_comes_first(
    training: SegmentRun, airflow_account: User, event: Event
) -> None:
    whole, part, by_tag = str(uuid4()), str(uuid4()), str(uuid4())
    above = {"parent": {"run": {"runId": whole}, "job": {"namespace": "a", "name": "dag"}}}
    tags = {"tags": {"tags": [{"key": "portal.run", "value": training.run_id, "source": "dag"}]}}
    assert send(airflow_account, event(part, facets=above)).json()["run"] is None
    assert send(airflow_account, event(whole, facets=tags)).json()["run"] == training.run_id
    assert ToldRun.objects.get(key=part).run_id == training.run_id
    direct = {"parent": {"run": {"runId": str(uuid4())}, "root": {"run": {"runId": str(UUID(training.run_id))}}}}
    assert send(airflow_account, event(by_tag, facets=direct)).json()["run"] == training.run_id


def test_late_and_mixed_events_add_up(training: SegmentRun, owner: User, event: Event) -> None:
    run_id = str(UUID(training.run_id))
    source = {"sourceCodeLocation": {"type": "git", "repoUrl": "https://git.example.org/ml", "version": COMMIT}}
    job = {"namespace": "spark", "name": "features.daily", "facets": source}
    send(owner, event(run_id, outputs=[TRIPS]))
    send(owner, event(run_id, eventType="START", eventTime="2026-11-22T05:00:00+00:00", job=job, inputs=[VIEW]))
    kept = ToldRun.objects.get()
    assert (kept.state, kept.commit, kept.repository) == ("COMPLETE", COMMIT, "https://git.example.org/ml")
    assert kept.started_at
    assert kept.ended_at
    assert (kept.started_at.hour, kept.ended_at.hour, kept.datasets.count()) == (5, 6, 2)


def test_who_may_not_write_a_run_tells_nothing_of_it_and_learns_nothing(
    training: SegmentRun, stranger: User, colleague: User, event: Event
) -> None:
    told = event(str(UUID(training.run_id)), inputs=[TRIPS])
    answer = send(stranger, told)
    assert (answer.status_code, answer.json()["run"]) == (201, None)
    assert answer.json()["said"] == send(stranger, event()).json()["said"]
    assert not ToldRun.objects.filter(run__isnull=False).exists()
    assert send(colleague, told).json()["run"] == training.run_id


def test_a_token_needs_the_scope_and_a_runs_token_tells_only_of_its_run(
    training: SegmentRun, owner: User, event: Event
) -> None:
    told = event(str(UUID(training.run_id)))
    assert api(owner, scope=["read"]).post(ADDRESS, told, format="json").status_code == 403
    assert api(owner, scope=["lineage:write"]).post(ADDRESS, told, format="json").status_code == 201
    client = APIClient()
    assert training.run_id
    secret = create_run_token(actor=owner, run=training.run_id, seconds=60)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.post(ADDRESS, told | {"eventTime": "2026-11-22T07:00:00Z"}, format="json").status_code == 201
    assert client.post(ADDRESS, event(), format="json").status_code == 403


def test_what_is_matched_to_none_is_seen_by_its_teller_their_team_and_operators(
    airflow_account: User, owner: User, stranger: User, operator: User, admin: User, event: Event
) -> None:
    secret = {"namespace": "s3://fraud", "name": "chargebacks"}
    send(airflow_account, event(outputs=[secret]))
    (told,) = api(operator).get(f"{ADDRESS}?matched=false").json()["results"]
    assert told["datasets"][0]["name"] == "chargebacks"
    for reader, seen in ((airflow_account, 1), (admin, 1), (owner, 0), (stranger, 0)):
        assert api(reader).get(ADDRESS).json()["count"] == seen
    for reader in (owner, stranger):
        assert "features.daily" not in signed_in(reader).get("/lineage/").content.decode()
        assert signed_in(reader).get(f"/lineage/{told['id']}/").status_code == 404
    assert "matched to none" in signed_in(operator).get("/lineage/?matched=no&q=daily").content.decode()
    assert "chargebacks" in signed_in(operator).get(f"/lineage/{told['id']}/").content.decode()


def test_a_restricted_family_says_nothing_to_a_stranger_through_lineage(
    training: SegmentRun, owner: User, approver: User, stranger: User, operator: User, family: ModelFamily, event: Event
) -> None:
    send(owner, event(str(UUID(training.run_id)), outputs=[TRIPS]))
    assert api(stranger).get(ADDRESS).json()["count"] == 1
    update_family(actor=approver, family=family, visibility="teams")
    told = ToldRun.objects.get()
    assert api(owner).get(ADDRESS).json()["count"] == 1
    for reader in (stranger, operator):
        assert api(reader).get(ADDRESS).json()["count"] == 0
        assert signed_in(reader).get(f"/lineage/{told.pk}/").status_code == 404
        assert api(reader).get(f"/api/v1/runs/{training.run_id}/lineage/").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"eventType": "MAYBE"}, "eventType"),
        ({"eventTime": "yesterday"}, "eventTime"),
        ({"eventTime": "9999-12-31T23:59:59-12:00"}, "eventTime"),
        ({"eventTime": 7}, "eventTime"),
        ({"run": {"runId": "7"}}, "run.runId"),
        ({"run": []}, "run"),
        ({"job": {"namespace": "a"}}, "job.name"),
        ({"job": {"namespace": "a", "name": "b\0"}}, "job.name"),
        ({"job": {"namespace": "a", "name": "x" * 1_001}}, "job.name"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": [{"namespace": "a"}]}, "inputs.name"),
        ({"outputs": [{"namespace": "a", "name": str(one)} for one in range(201)]}, "outputs"),
    ],
)
def test_what_can_not_be_told_apart_or_is_too_much_is_refused_with_its_place(
    owner: User, event: Event, change: dict[str, Any], field: str
) -> None:
    answer = send(owner, event() | change)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert not ToldRun.objects.exists()


def test_events_of_no_run_and_bodies_that_are_none_get_a_sentence(owner: User, event: Event) -> None:
    about_a_job = {name: value for name, value in event().items() if name not in ("run", "eventType")}
    answer = send(owner, about_a_job)
    assert (answer.status_code, answer.json()["new"]) == (200, False)
    assert "No run is told of" in answer.json()["said"]
    bodies: list[Any] = [[], "text", 7, {}, [event()]]
    for body in bodies:
        assert send(owner, body).status_code == 400
    packed = api(owner).post(ADDRESS, b"\x1f\x8b", content_type="application/json", HTTP_CONTENT_ENCODING="gzip")
    assert packed.status_code == 400
    large = json.dumps(event() | {"more": "x" * 1_100_000})
    assert 400 <= api(owner).post(ADDRESS, large, content_type="application/json").status_code < 500


def test_a_run_that_tells_without_end_is_bounded(owner: User, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_EVENTS", 3)
    monkeypatch.setattr(actions, "MOST_KEPT", 4)
    key = str(uuid4())
    for part in range(3):
        sets = [{"namespace": "s", "name": f"{part}-{one}"} for one in range(3)]
        assert send(owner, event(key, eventType="RUNNING", inputs=sets)).status_code == 201
    assert ToldDataset.objects.count() <= 4
    refused = send(owner, event(key))
    assert (refused.status_code, "3 events already" in refused.json()["message"]) == (409, True)


JUNK = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLACES = ("parent", "tags", "airflow", "airflowDagRun", "errorMessage", "sourceCodeLocation", "schema", "datasetType")


@given(
    facets=st.dictionaries(
        st.sampled_from(PLACES),
        JUNK
        | st.dictionaries(st.sampled_from(("run", "root", "tags", "dagRun", "fields", "message", "version")), JUNK),
    )
)
def test_facets_of_any_shape_are_left_aside(facets: dict[str, Any]) -> None:
    named = {"namespace": "a", "name": "b", "facets": facets}
    body = {"eventType": "OTHER", "eventTime": "2026-11-22T06:00:00Z", "job": named, "inputs": [named]}
    assert openlineage.read({**body, "run": {"runId": str(uuid4()), "facets": facets}})
    with pytest.raises(Invalid):
        openlineage.read({**body, "run": {"runId": facets}})


def test_the_list_asks_as_much_for_many_runs_as_for_one(owner: User, event: Event) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert signed_in(owner).get("/lineage/").status_code == 200
        return len(caught)

    send(owner, event(inputs=[TRIPS]))
    once = asked()
    for _ in range(5):
        send(owner, event(inputs=[TRIPS, VIEW]))
    assert asked() == once
