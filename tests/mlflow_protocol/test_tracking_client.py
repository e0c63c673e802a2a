"""MLflow's own client, unchanged, tracks against a running portal: an address and a token are all it is given."""

import math
from collections.abc import Callable

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException

from apps.accounts.models import User
from apps.tracking.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
Become = Callable[[User], None]


@pytest.fixture(autouse=True)
def as_owner(client_of: Become, owner: User) -> None:
    client_of(owner)


def test_a_script_that_names_no_experiment_logs_into_that_of_its_team(owner: User) -> None:
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_param("alpha", 0.5)
        mlflow.log_params({"beta": 1, "gamma": "x"})
        mlflow.log_metric("mae", 6.5)
        mlflow.set_tags({"city": "atlanta", "mlflow.note.content": "try"})
    logged = mlflow.get_run(run.info.run_id)
    assert logged.data.params == {"alpha": "0.5", "beta": "1", "gamma": "x"}
    assert logged.data.metrics == {"mae": 6.5}
    assert logged.data.tags["city"] == "atlanta"
    assert (logged.info.run_name, logged.info.status, logged.info.user_id) == ("first", "FINISHED", "owner")
    assert mlflow.get_experiment(logged.info.experiment_id).name == "Default of rides-eta"
    assert Run.objects.get(pk=run.info.run_id).user == owner


def test_a_metric_keeps_its_steps_its_times_and_what_is_no_number() -> None:
    client = MlflowClient()
    values = [1.0, math.nan, math.inf, -math.inf, 0.25]
    with mlflow.start_run() as run:
        for step, value in enumerate(values):
            client.log_metric(run.info.run_id, "loss", value, timestamp=1_000 + step, step=step)
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.timestamp) for point in history] == [(step, 1_000 + step) for step in range(5)]
    assert [repr(point.value) for point in history] == [repr(value) for value in values]
    assert mlflow.get_run(run.info.run_id).data.metrics == {"loss": 0.25}


def test_ten_thousand_metrics_arrive_in_batches() -> None:
    client = MlflowClient()
    with mlflow.start_run() as run:
        for start in range(0, 10_000, 1_000):
            points = [mlflow.entities.Metric("m", float(n), 1_000 + n, n) for n in range(start, start + 1_000)]
            client.log_batch(run.info.run_id, metrics=points)
    history = client.get_metric_history(run.info.run_id, "m")
    assert [point.value for point in history] == [float(n) for n in range(10_000)]


def test_nested_runs_know_their_parent() -> None:
    with mlflow.start_run() as parent:
        children = []
        for _ in range(2):
            with mlflow.start_run(nested=True) as child:
                children.append(child.info.run_id)
    found = mlflow.search_runs(
        [parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", output_format="list"
    )
    assert {run.info.run_id for run in found} == set(children)


def test_runs_are_found_by_metrics_params_tags_attributes_and_ordered() -> None:
    mlflow.set_experiment("search")
    for n in range(6):
        with mlflow.start_run(run_name=f"run-{n}"):
            mlflow.log_param("alpha", f"{n}")
            mlflow.log_metric("mae", 6.0 - n if n != 3 else math.nan)
            mlflow.set_tag("city", "atlanta" if n % 2 else "boston")

    def names(text: str = "", *order: str, **more: int) -> list[str]:
        found = mlflow.search_runs(filter_string=text, order_by=list(order), output_format="list", **more)
        return [run.info.run_name[-1] for run in found]

    assert names() == ["5", "4", "3", "2", "1", "0"]
    assert names("metrics.mae < 5", "metrics.mae ASC") == ["5", "4", "2"]
    assert names("", "metrics.mae DESC") == ["0", "1", "2", "4", "5", "3"]
    assert names("params.alpha = '2' and tags.city = 'boston'") == ["2"]
    assert names("tags.city LIKE 'atl%' AND attributes.status = 'FINISHED'", "params.alpha ASC") == ["1", "3", "5"]
    assert names("attributes.run_name ILIKE 'RUN-4'") == ["4"]
    assert names("tags.nothing IS NULL", "attributes.start_time ASC", max_results=2) == ["0", "1"]
    assert names("metrics.mae != 6") == ["5", "4", "3", "2", "1"]
    assert names("attributes.user_id = 'owner' AND params.alpha != '0'", "tags.city", "params.alpha DESC") == [
        *("5", "3", "1", "4", "2")
    ]


def test_pages_of_a_search_join_without_a_gap() -> None:
    mlflow.set_experiment("pages")
    for n in range(5):
        with mlflow.start_run():
            mlflow.log_metric("n", n)
    client, seen, token = MlflowClient(), [], None
    experiment = client.get_experiment_by_name("pages").experiment_id
    while True:
        page = client.search_runs([experiment], max_results=2, order_by=["metrics.n"], page_token=token)
        seen += [run.data.metrics["n"] for run in page]
        token = page.token
        if not token:
            break
    assert seen == [0, 1, 2, 3, 4]


def test_experiments_are_searched_renamed_deleted_and_restored() -> None:
    client = MlflowClient()
    ids = {name: client.create_experiment(name, tags={"kind": name[0]}) for name in ("alpha", "beta")}
    assert [one.name for one in mlflow.search_experiments(filter_string="tags.kind = 'a'")] == ["alpha"]
    client.rename_experiment(ids["alpha"], "omega")
    client.set_experiment_tag(ids["alpha"], "kind", "o")
    assert client.get_experiment(ids["alpha"]).tags == {"kind": "o"}
    with mlflow.start_run(experiment_id=ids["alpha"]) as run:
        pass
    client.delete_experiment(ids["alpha"])
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    assert client.get_experiment_by_name("omega").lifecycle_stage == "deleted"
    names = [one.name for one in client.search_experiments(filter_string="name LIKE 'b%'", order_by=["name"])]
    assert names == ["beta"]
    client.restore_experiment(ids["alpha"])
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "active"


def test_a_deleted_run_is_hidden_takes_nothing_and_comes_back() -> None:
    client = MlflowClient()
    with mlflow.start_run() as run:
        pass
    client.delete_run(run.info.run_id)
    assert not client.search_runs([run.info.experiment_id])
    assert len(client.search_runs([run.info.experiment_id], run_view_type=2)) == 1
    with pytest.raises(RestException, match="must be in the 'active' state"):
        client.log_metric(run.info.run_id, "m", 1)
    client.restore_run(run.info.run_id)
    client.log_metric(run.info.run_id, "m", 1)


def test_the_client_shows_the_sentence_of_a_refusal_at_once() -> None:
    with mlflow.start_run() as run:
        mlflow.log_param("alpha", 1)
    with pytest.raises(MlflowException, match="Changing param values is not allowed") as refusal:
        MlflowClient().log_param(run.info.run_id, "alpha", 2)
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_data_sets_are_inputs_of_a_run() -> None:
    import pandas

    trips = mlflow.data.from_pandas(pandas.DataFrame({"km": [1.0, 2.0]}), name="trips")
    with mlflow.start_run() as run:
        mlflow.log_input(trips, context="training")
    used = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert [(one.dataset.name, one.dataset.digest) for one in used] == [("trips", trips.digest)]
    assert [(tag.key, tag.value) for tag in used[0].tags] == [("mlflow.data.context", "training")]
    for asked in ("dataset.name = 'trips'", "datasets.context = 'training'", f"dataset.digest = '{trips.digest}'"):
        assert len(mlflow.search_runs(filter_string=asked, output_format="list")) == 1


def test_a_stranger_neither_writes_to_nor_finds_what_is_not_theirs(client_of: Become, stranger: User) -> None:
    with mlflow.start_run() as run:
        pass
    client_of(stranger)
    with pytest.raises(RestException, match="Only the person a run belongs to") as refusal:
        MlflowClient().log_metric(run.info.run_id, "m", 1)
    assert refusal.value.error_code == "PERMISSION_DENIED"
    with pytest.raises(RestException, match="Only members of the experiment's team"):
        mlflow.start_run(experiment_id=run.info.experiment_id)
