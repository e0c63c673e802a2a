"""The API of retraining."""

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.registry.models import Evaluation, ModelFamily
from apps.retraining import actions
from apps.retraining.models import Pipeline, RetrainingRequest
from tests.conftest import api
from tests.retraining.conftest import CITIES, Submit, claim_of, failure, run_of, success

pytestmark = pytest.mark.django_db
WANTED = {"pipeline": "toy", "family": "eta-trip", "parameters": {"alpha": 2.5}, "segments": ["atlanta", "boston"]}


def post(actor: User, path: str, body: object = None, **chosen: Any) -> Any:
    return api(actor, **chosen).post(f"/api/v1/{path}", body, format="json")


def get(actor: User, path: str, **chosen: Any) -> Any:
    return api(actor, **chosen).get(f"/api/v1/{path}")


def test_a_pipeline_comes_with_its_schema_and_presets(owner: User, pipeline: Pipeline) -> None:
    body = get(owner, "pipelines/toy/").json()
    assert body["schema"]["properties"]["alpha"] == {"type": "number", "minimum": 0, "default": 1.0}
    assert body["presets"] == {"Strong": {"alpha": 10}}
    assert get(owner, "pipelines/?family=eta-trip").json()["count"] == 1


def test_a_request_is_previewed_sent_watched_and_its_result_read(
    owner: User, pipeline: Pipeline, tmp_path: Path
) -> None:
    preview = post(
        owner, "pipelines/toy/preview/", {name: WANTED[name] for name in WANTED if name != "pipeline"}
    ).json()
    sent = post(owner, "requests/", WANTED | {"reason": "July is here"})
    assert sent.status_code == 201
    made = sent.json()
    assert (made["digest"], made["status"], made["progress"]["waiting"]) == (preview["digest"], "submitted", 2)
    request = RetrainingRequest.objects.get()
    actions.finish(claim=claim_of(request, "atlanta"), outcome=success(tmp_path))
    actions.finish(claim=claim_of(request, "boston"), outcome=failure("exit"))
    actions.drive(request_id=request.pk)
    seen = get(owner, f"requests/{made['id']}/").json()
    assert (seen["status"], seen["progress"]["fraction"]) == ("finished_with_failures", 1.0)
    assert seen["failures"] == [{"cause": "exit", "reason": "It broke.", "count": 1, "segments": ["Boston"]}]
    runs = get(owner, f"segment-runs/?request={made['id']}&status=succeeded").json()["results"]
    assert [(run["segment"], run["model"], run["version"]) for run in runs] == [("atlanta", "eta-trip.atlanta", 1)]


def test_one_address_tells_when_all_of_it_is_evaluated(owner: User, evaluating: RetrainingRequest) -> None:
    def told() -> Any:
        seen = get(owner, f"requests/{evaluating.pk}/").json()
        return seen["status"], seen["settled"], seen["evaluations"]

    counts = {"total": 1, "waiting": 1, "running": 0, "done": 0, "failed": 0}
    assert told() == ("finished", False, counts)
    Evaluation.objects.update(status="failed", reason="The lake is dry.")
    assert told() == ("finished", True, counts | {"waiting": 0, "failed": 1})


def test_a_request_that_trains_or_was_not_followed_up_is_not_settled(owner: User, submit: Submit) -> None:
    request = submit("atlanta")
    assert get(owner, f"requests/{request.pk}/").json()["settled"] is False
    actions.finish(claim=claim_of(request), outcome=failure("exit"))
    actions.drive(request_id=request.pk)
    assert get(owner, f"requests/{request.pk}/").json()["settled"] is False
    actions.follow_up(request_id=request.pk)
    assert get(owner, f"requests/{request.pk}/").json()["settled"] is True


def test_without_segments_the_whole_family_is_retrained(owner: User, pipeline: Pipeline) -> None:
    assert post(owner, "requests/", {"pipeline": "toy", "family": "eta-trip"}).json()["segments_total"] == len(CITIES)


def test_the_same_key_answers_the_same_request(owner: User, pipeline: Pipeline) -> None:
    first, second = (post(owner, "requests/", WANTED | {"key": "nightly-1"}).json() for _ in range(2))
    assert first["id"] == second["id"]
    other = post(owner, "requests/", WANTED | {"key": "nightly-1", "parameters": {}})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parameters": {"alpha": -1}}, "parameters.alpha"),
        ({"parameters": {"beta": 1}}, "parameters.beta"),
        ({"parameters": []}, "parameters"),
        ({"segments": ["atlantis"]}, "segments"),
        ({"segments": []}, "segments"),
        ({"segments": "atlanta"}, "segments"),
        ({"reason": "x" * 3_000}, "reason"),
        ({"key": ""}, "key"),
        ({"pipeline": "no slug!"}, "pipeline"),
    ],
)
def test_bad_input_is_told_by_field_and_creates_nothing(
    owner: User, pipeline: Pipeline, changes: dict[str, Any], field: str
) -> None:
    answer = post(owner, "requests/", WANTED | changes)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not RetrainingRequest.objects.exists()


@pytest.mark.parametrize("changes", [{"pipeline": "nothing"}, {"family": "nothing"}])
def test_what_is_not_there_is_missing(owner: User, pipeline: Pipeline, changes: dict[str, str]) -> None:
    assert post(owner, "requests/", WANTED | changes).status_code == 404


def test_a_stranger_may_read_but_not_send(stranger: User, pipeline: Pipeline) -> None:
    assert get(stranger, "pipelines/").json()["count"] == 1
    answer = post(stranger, "requests/", WANTED)
    assert (answer.status_code, RetrainingRequest.objects.count()) == (403, 0)


def test_a_token_needs_the_scope(owner: User, pipeline: Pipeline) -> None:
    assert post(owner, "requests/", WANTED, scope=["read"]).status_code == 403
    assert post(owner, "requests/", WANTED, scope=["retraining:submit"]).status_code == 201
    assert post(owner, "requests/", WANTED, scope=["retraining:submit"], families=["other"]).status_code == 404


def test_cancel_retry_and_log_are_doors_of_their_own(owner: User, operator: User, submit: Submit) -> None:
    request = submit("atlanta", "boston")
    actions.finish(claim=claim_of(request, "atlanta"), outcome=failure("exit"))
    run = run_of(request, "atlanta")
    assert get(owner, f"segment-runs/{run.pk}/log/").json() == {"log": "Traceback\n"}
    assert get(owner, f"segment-runs/{run.pk}/").json()["attempts"][0]["reason"] == "It broke."
    again = post(operator, f"requests/{request.pk}/retry-failed/")
    assert again.json()["progress"]["waiting"] == 1
    assert post(operator, f"requests/{request.pk}/retry-failed/").status_code == 409
    stopped = post(operator, f"requests/{request.pk}/cancel/", {"reason": "wrong month"})
    assert stopped.json()["stopping"] is True
    actions.drive(request_id=request.pk)
    assert post(operator, f"segment-runs/{run.pk}/retry/").json()["status"] == "waiting"


def test_others_may_not_operate(stranger: User, submit: Submit) -> None:
    request = submit("atlanta")
    for path in (f"requests/{request.pk}/cancel/", f"segment-runs/{run_of(request).pk}/retry/"):
        assert post(stranger, path).status_code == 403


def test_workers_and_queues_are_listed(owner: User, submit: Submit) -> None:
    submit()
    actions.note_worker(
        report=actions.WorkerReport(name="work@a", pid=7, host="a", queues=["work"], slots=2, isolation="not root")
    )
    worker = get(owner, "workers/").json()["results"][0]
    assert (worker["name"], worker["alive"], worker["busy"], worker["isolation"]) == ("work@a", True, 0, "not root")
    queues = get(owner, "queues/").json()["results"]
    assert {queue["status"]: queue["count"] for queue in queues} == {"waiting": 3, "sent": 0, "running": 0}


@pytest.mark.parametrize("path", ["requests/", "segment-runs/", "pipelines/"])
def test_lists_cost_the_same_however_long_they_are(
    owner: User, submit: Submit, family: ModelFamily, path: str, django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        submit()
    client = api(owner)
    with django_assert_max_num_queries(9):
        assert client.get(f"/api/v1/{path}").json()["count"] >= 1


@pytest.mark.parametrize("path", ["requests/999999999999999999/", "segment-runs/999999999999999999/", "pipelines/x/"])
def test_an_unknown_number_is_missing(owner: User, pipeline: Pipeline, path: str) -> None:
    assert get(owner, path).status_code == 404


@pytest.mark.parametrize("query", ["request=abc", "request=1e400", "request=nan", "status=flying", "page=-1"])
def test_a_filter_that_makes_no_sense_is_a_clear_refusal(owner: User, query: str) -> None:
    assert get(owner, f"segment-runs/?{query}").status_code in (400, 404)
