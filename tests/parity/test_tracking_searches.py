"""The grammar of searching runs, experiments and logged models: the same rows in the same order, the same refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.compared import Both, Twin
from tests.parity.test_tracking_rules import AT, EX, LOGGED, RUNS, a_model, a_run, pages_alike


@pytest.fixture(scope="module")
def experiment(both: Both) -> Twin:
    """Eight runs with parameters, metrics, tags and data sets of every kind, and three logged models."""
    made = both.made("experiment_id", "POST", f"{EX}/create", name="searched", tags=[{"key": "team", "value": "rides"}])
    for n in range(8):
        run = a_run(both, made, start_time=AT + n, run_name=f"run {n}", tags=[{"key": "a.b", "value": str(n % 3)}])
        color = ["red", "Red", "blue"][n % 3]
        both.same("POST", f"{RUNS}/set-tag", run_id=run, key="color", value=color)
        both.same("POST", f"{RUNS}/log-parameter", run_id=run, key="depth", value=str(n))
        if n % 2:
            both.same("POST", f"{RUNS}/log-parameter", run_id=run, key="only odd", value="x")
            both.same("POST", f"{RUNS}/log-metric", run_id=run, key="m.a e", value=-n, timestamp=AT)
        value = {3: "NaN", 4: "Infinity", 5: "-Infinity"}.get(n, n / 2)
        both.same("POST", f"{RUNS}/log-metric", run_id=run, key="mae", value=value, timestamp=AT + n)
        dataset = {"name": f"trips{n % 2}", "digest": f"d{n}", "source_type": "code", "source": "{}"}
        context = [{"key": "mlflow.data.context", "value": "train" if n % 2 else "eval"}]
        both.same("POST", f"{RUNS}/log-inputs", run_id=run, datasets=[{"dataset": dataset, "tags": context}])
        both.same("POST", f"{RUNS}/update", run_id=run, status="FINISHED" if n % 2 else "FAILED", end_time=AT + 100 - n)
        if n < 3:
            a_model(
                both,
                made,
                source_run_id=run,
                params=[{"key": "depth", "value": str(n)}],
                tags=[{"key": "t", "value": str(n)}],
            )
        if n == 7:
            both.same("POST", f"{RUNS}/delete", run_id=run)
    return made


@pytest.fixture(scope="module")
def several(both: Both) -> None:
    for name in ("several b", "several a", "several C"):
        both.made("experiment_id", "POST", f"{EX}/create", name=name)


FILTERS = r"""
metrics.mae > 0.5
metrics.mae >= 0.5 AND metrics.mae < 3
metric.mae = 1
metrics.mae != 1
metrics.mae > 'x'
metrics.mae LIKE '1%'
metrics.nothing > 0
metrics.`m.a e` < -1
metrics."m.a e" < -1
params.depth = '1'
params.depth = 1
params.depth != '1'
param.depth LIKE '%'
parameters.depth ILIKE '1'
params.`only odd` = 'x'
params."only odd" = "x"
params.`only odd` IS NULL
params.`only odd` IS NOT NULL
params.depth IN ('1', '2')
tags.color = 'red'
tag.color != 'red'
tags.color LIKE 'r%'
tags.color ILIKE 'R%'
tags.`a.b` = '1'
tags.a.b = '1'
tags.nothing IS NULL
tags.color IS NULL
tags.mlflow.runName = 'run 1'
attributes.status = 'FINISHED'
attribute.status != 'FINISHED'
status = 'FAILED'
status IN ('FAILED')
run_name = 'run 1'
attributes.`run name` = 'run 1'
attributes.`Run name` LIKE 'run%'
run_name ILIKE 'RUN 1'
start_time > 1700000000003
attributes.created >= 1700000000003
end_time < 1700000000096
start_time = 'x'
end_time LIKE '1%'
run_id = 'x'
run_id IN ('x', 'y')
run_id NOT IN ('x')
run_id IN ()
datasets.name = 'trips1'
dataset.digest IN ('d1', 'd2')
datasets.context = 'train'
datasets.nothing = 'x'
metrics.mae > 0 AND params.depth = '1' and tags.color ILIKE 'red' AND status = 'FINISHED'
metrics.mae > 0 OR params.depth = '1'
(metrics.mae > 0)
NOT metrics.mae > 0
metrics.mae
metrics.mae >
metrics. > 1
foo.bar = 'x'
foo = 'x'
lifecycle_stage = 'active'
user_id = 'nobody'
params.depth = '1' params.depth = '1'
params.depth = "1' OR 1=1"
params.depth = '1'; DROP
params.depth == '1'
params.depth <> '1'
'x' = params.depth
1 = 1
!!
'
""".strip().splitlines()


@pytest.mark.parametrize("text", ["", *FILTERS])
def test_runs_are_found_alike(both: Both, experiment: Twin, text: str) -> None:
    both.same("POST", f"{RUNS}/search", experiment_ids=[experiment], filter=text, order_by=["params.depth"])


ORDERS = [
    [],
    ["metrics.mae"],
    ["metrics.mae DESC"],
    ["metric.mae asc", "start_time"],
    ["metrics.nothing DESC"],
    ["params.depth DESC"],
    ["params.`only odd` DESC", "start_time DESC"],
    ["tags.color", "params.depth DESC"],
    ["start_time"],
    ["attributes.start_time DESC"],
    ["attribute.end_time"],
    ["status", "start_time"],
    ["run_name DESC"],
    ["`Run name`"],
    ["created DESC"],
    ["foo"],
    ["foo.bar"],
    ["metrics.mae foo"],
    ["metrics.mae DESC ASC"],
    [""],
    ["metrics.mae,params.depth"],
    ["datasets.name"],
]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_orders_of_runs(both: Both, experiment: Twin, order: list[str]) -> None:
    both.same("POST", f"{RUNS}/search", experiment_ids=[experiment], order_by=order)


@pytest.mark.parametrize("view", ["ACTIVE_ONLY", "DELETED_ONLY", "ALL", 2])
def test_views_of_runs(both: Both, experiment: Twin, view: object) -> None:
    both.same("POST", f"{RUNS}/search", experiment_ids=[experiment], run_view_type=view)


@pytest.mark.parametrize("order", [[], ["metrics.mae DESC"], ["params.`only odd`"], ["run_name"]], ids=str)
@pytest.mark.parametrize("most", [1, 3, 7])
def test_pages_of_runs(both: Both, experiment: Twin, order: list[str], most: int) -> None:
    pages_alike(both, "POST", f"{RUNS}/search", experiment_ids=[experiment], order_by=order, max_results=most)


@pytest.mark.parametrize("most", [0, -1, 50_000, 50_001, "x", "7"], ids=str)
@pytest.mark.parametrize("path", [f"{RUNS}/search", f"{EX}/search"])
def test_limits_of_a_page(both: Both, experiment: Twin, path: str, most: object) -> None:
    sent: dict[str, Any] = (
        {"experiment_ids": [experiment]} if path.startswith(RUNS) else {"filter": "name = 'searched'"}
    )
    both.same("POST", path, max_results=most, **sent)


@pytest.mark.parametrize("token", ["x", "%%%", "e30=", "eyJvZmZzZXQiOiAieCJ9"])
@pytest.mark.parametrize("path", [f"{RUNS}/search", f"{EX}/search"])
def test_page_tokens_that_are_none(both: Both, experiment: Twin, path: str, token: str) -> None:
    both.same("POST", path, experiment_ids=[experiment], page_token=token, max_results=5)


def test_whose_runs_are_searched(both: Both, experiment: Twin) -> None:
    for ids in ([], ["987654321"], ["x"], [experiment, "987654321"]):
        both.same("POST", f"{RUNS}/search", experiment_ids=ids, filter="params.depth = '1' AND tags.`a.b` = '1'")


OF_EXPERIMENTS = r"""
name = 'searched'
attribute.name LIKE 'search%'
name ILIKE 'SEARCHED'
name != 'searched' AND name LIKE 'search%'
name IN ('searched')
tags.team = 'rides'
tag.team != 'rides'
tags.team LIKE 'r%'
tags.team IS NULL AND name = 'searched'
name = 5
creation_time > 0 AND name = 'searched'
last_update_time >= 0 AND name = 'searched'
creation_time = 'x'
experiment_id = '987654321'
experiment_id IN ('987654321')
experiment_id > '1'
experiment_id = 'x'
lifecycle_stage = 'active'
params.a = 'x'
name = 'a' OR name = 'b'
name
""".strip().splitlines()


@pytest.mark.parametrize("text", OF_EXPERIMENTS)
def test_experiments_are_found_alike(both: Both, experiment: Twin, text: str) -> None:
    both.same("POST", f"{EX}/search", filter=text, max_results=100)
    both.same("GET", f"{EX}/search", filter=text, max_results="100", view_type="ALL")


ORDERS_OF_EXPERIMENTS = [
    *(["name"], ["name DESC"], ["creation_time"], ["last_update_time DESC", "name"], ["experiment_id"]),
    *(["foo"], ["tags.team"], ["name foo"]),
]


@pytest.mark.parametrize("order", ORDERS_OF_EXPERIMENTS, ids=str)
def test_orders_of_experiments(both: Both, several: None, order: list[str]) -> None:
    both.same("POST", f"{EX}/search", filter="name LIKE 'several%'", order_by=order, max_results=100)


def test_pages_of_experiments(both: Both, several: None) -> None:
    pages_alike(both, "POST", f"{EX}/search", filter="name LIKE 'several%'", max_results=2, order_by=["name"])


OF_MODELS = r"""
name = 'model'
attributes.name LIKE 'mod%'
params.depth = '1'
tags.t = '2'
tags.t IN ('1', '2')
metrics.mae > 0
creation_timestamp > 0
model_type = 'x'
source_run_id = 'x'
experiment_id = '987654321'
name
name = 'model' OR name = 'x'
""".strip().splitlines()


@pytest.mark.parametrize("text", OF_MODELS)
def test_logged_models_are_found_alike(both: Both, experiment: Twin, text: str) -> None:
    both.same("POST", f"{LOGGED}/search", experiment_ids=[experiment], filter=text)
    pages_alike(both, "POST", f"{LOGGED}/search", experiment_ids=[experiment], max_results=2)


@pytest.mark.parametrize("field", ["creation_timestamp", "name", "metrics.mae", "params.depth", "foo", "tags.t"])
def test_orders_of_logged_models(both: Both, experiment: Twin, field: str) -> None:
    both.same(
        "POST", f"{LOGGED}/search", experiment_ids=[experiment], order_by=[{"field_name": field, "ascending": True}]
    )
