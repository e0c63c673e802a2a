"""Each rule of tracking as a sequence of calls: both servers mean the same."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from tests.parity.compared import Both, Twin

EX, RUNS, LOGGED = "experiments", "runs", "logged-models"
AT = 1_700_000_000_000
_number = count(1)


@pytest.fixture
def name() -> str:
    """No experiment has it yet, on neither server."""
    return f"experiment-{next(_number)}"


@pytest.fixture
def experiment(both: Both, name: str) -> Twin:
    return both.made("experiment_id", "POST", f"{EX}/create", name=name)


@pytest.fixture
def run(both: Both, experiment: Twin) -> Twin:
    return a_run(both, experiment)


def a_run(both: Both, experiment: Twin, **sent: Any) -> Twin:
    known = {"experiment_id": experiment, "start_time": AT, "run_name": "a run"}
    return both.made("run.info.run_id", "POST", f"{RUNS}/create", **known | sent)


def a_model(both: Both, experiment: Twin, **sent: Any) -> Twin:
    return both.made("model.info.model_id", "POST", LOGGED, experiment_id=experiment, name="model", **sent)


def read(both: Both, run: Twin) -> None:
    both.same("GET", f"{RUNS}/get", run_id=run)


def test_an_experiment_lives_is_hidden_and_comes_back(both: Both, experiment: Twin, name: str) -> None:
    both.same("GET", f"{EX}/get", experiment_id=experiment)
    both.same("GET", f"{EX}/get-by-name", experiment_name=name)
    both.same("POST", f"{EX}/create", name=name)
    both.same("POST", f"{EX}/set-experiment-tag", experiment_id=experiment, key="k", value="v")
    both.same("POST", f"{EX}/set-experiment-tag", experiment_id=experiment, key="k", value="w")
    both.same("POST", f"{EX}/update", experiment_id=experiment, new_name=f"{name}-renamed")
    both.same("GET", f"{EX}/get-by-name", experiment_name=name)
    both.same("GET", f"{EX}/get", experiment_id=experiment)
    both.same("POST", f"{EX}/delete-experiment-tag", experiment_id=experiment, key="k")
    both.same("POST", f"{EX}/delete-experiment-tag", experiment_id=experiment, key="k")
    both.same("POST", f"{EX}/delete", experiment_id=experiment)
    both.same("GET", f"{EX}/get", experiment_id=experiment)
    both.same("GET", f"{EX}/get-by-name", experiment_name=f"{name}-renamed")
    both.same("POST", f"{EX}/create", name=f"{name}-renamed")
    both.same("POST", f"{EX}/delete", experiment_id=experiment)
    both.same("POST", f"{EX}/set-experiment-tag", experiment_id=experiment, key="k", value="v")
    both.same("POST", f"{RUNS}/create", experiment_id=experiment)
    both.same("POST", f"{EX}/restore", experiment_id=experiment)
    both.same("POST", f"{EX}/restore", experiment_id=experiment)
    both.same("GET", f"{EX}/get", experiment_id=experiment)


@pytest.mark.parametrize("path", ["get", "delete", "restore", "update", "set-experiment-tag", "delete-experiment-tag"])
@pytest.mark.parametrize("unknown", ["987654321", "x", "", "-1", "1.5"])
def test_an_experiment_that_is_not_there(both: Both, path: str, unknown: str) -> None:
    sent = {"new_name": "x", "key": "k", "value": "v"}
    both.same("GET" if path == "get" else "POST", f"{EX}/{path}", experiment_id=unknown, **sent)


@pytest.mark.parametrize("odd", ["", " ", "ü 木", "a/b", "x" * 256, "it's", "%", "a\tb"])
def test_names_of_experiments(both: Both, odd: str, name: str) -> None:
    both.same("POST", f"{EX}/update", experiment_id="987654321", new_name=odd)
    if odd:
        made = both.made("experiment_id", "POST", f"{EX}/create", name=odd)
        both.same("GET", f"{EX}/get", experiment_id=made)
        both.same("POST", f"{EX}/create", name=odd)
    else:
        both.same("POST", f"{EX}/create", name=odd)


def test_a_run_is_made_ended_hidden_and_comes_back(both: Both, experiment: Twin) -> None:
    tags = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    run = a_run(both, experiment, tags=tags)
    read(both, run)
    both.same("POST", f"{RUNS}/update", run_id=run, status="FINISHED", end_time=AT + 5, run_name="renamed")
    read(both, run)
    both.same("POST", f"{RUNS}/set-tag", run_id=run, key="mlflow.runName", value="by tag")
    read(both, run)
    both.same("POST", f"{RUNS}/delete", run_id=run)
    read(both, run)
    for path, sent in CHANGES.items():
        both.same("POST", f"{RUNS}/{path}", run_id=run, **sent)
    both.same("POST", f"{RUNS}/delete", run_id=run)
    both.same("POST", f"{RUNS}/restore", run_id=run)
    both.same("POST", f"{RUNS}/restore", run_id=run)
    read(both, run)


CHANGES: dict[str, dict[str, Any]] = {
    "update": {"status": "FINISHED", "end_time": AT},
    "log-metric": {"key": "m", "value": 1, "timestamp": AT},
    "log-parameter": {"key": "p", "value": "1"},
    "set-tag": {"key": "t", "value": "1"},
    "delete-tag": {"key": "t"},
    "log-batch": {"tags": [{"key": "t", "value": "1"}]},
}


@pytest.mark.parametrize("path", [*CHANGES, "delete", "restore"])
@pytest.mark.parametrize("unknown", ["0" * 32, "x", ""])
def test_a_run_that_is_not_there(both: Both, path: str, unknown: str) -> None:
    both.same("POST", f"{RUNS}/{path}", run_id=unknown, **CHANGES.get(path, {}))
    both.same("GET", f"{RUNS}/get", run_id=unknown)


def test_a_run_s_name_and_the_tag_that_repeats_it_agree(both: Both, experiment: Twin) -> None:
    named = [{"key": "mlflow.runName", "value": "by tag"}]
    read(both, a_run(both, experiment, run_name="", tags=named))
    read(both, a_run(both, experiment, run_name="by tag", tags=named))
    both.same("POST", f"{RUNS}/create", experiment_id=experiment, run_name="other", tags=named)
    both.same("POST", f"{RUNS}/create", experiment_id="987654321")
    both.same("POST", f"{RUNS}/create", experiment_id="x")


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", 3, 9])
def test_statuses_of_runs(both: Both, run: Twin, status: object) -> None:
    ended = {} if status in ("RUNNING", "SCHEDULED") else {"end_time": AT + 5}
    both.same("POST", f"{RUNS}/update", run_id=run, status=status, **ended)
    read(both, run)


def test_a_parameter_is_said_once(both: Both, run: Twin) -> None:
    for value in ("1", "1", "2", ""):
        both.same("POST", f"{RUNS}/log-parameter", run_id=run, key="p", value=value)
    both.same("POST", f"{RUNS}/log-parameter", run_id=run, key="empty", value="")
    both.same("POST", f"{RUNS}/log-parameter", run_id=run, key="p")
    both.same("POST", f"{RUNS}/log-batch", run_id=run, params=[{"key": "q", "value": "1"}, {"key": "p", "value": "2"}])
    both.same("POST", f"{RUNS}/log-batch", run_id=run, params=[{"key": "r", "value": "1"}, {"key": "r", "value": "2"}])
    both.same("POST", f"{RUNS}/log-batch", run_id=run, params=[{"key": "r", "value": "1"}, {"key": "r", "value": "1"}])
    read(both, run)


KEYS = ["k", "a.b/c-d e_f", "a:b", "ü", "a=b", "#", "../x", "/x", "a//b", ".", "", "x" * 250, "x" * 251, "a,b"]


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_taken_and_refused_alike(both: Both, run: Twin, experiment: Twin, key: str) -> None:
    both.same("POST", f"{RUNS}/log-parameter", run_id=run, key=key, value="1")
    both.same("POST", f"{RUNS}/log-metric", run_id=run, key=key, value=1, timestamp=AT)
    both.same("POST", f"{RUNS}/set-tag", run_id=run, key=key, value="1")
    both.same("POST", f"{EX}/set-experiment-tag", experiment_id=experiment, key=key, value="1")
    pair = {"key": key, "value": "2"}
    both.same("POST", f"{RUNS}/log-batch", run_id=run, tags=[pair], params=[{**pair, "value": "1"}])
    read(both, run)
    both.same("POST", f"{RUNS}/delete-tag", run_id=run, key=key)
    both.same("GET", "metrics/get-history", run_id=run, metric_key=key)


@pytest.mark.parametrize("size", [5_000, 6_000, 6_001, 8_000, 8_001])
def test_how_long_values_may_be(both: Both, run: Twin, experiment: Twin, size: int) -> None:
    both.same("POST", f"{RUNS}/log-parameter", run_id=run, key="p", value="x" * size)
    both.same("POST", f"{RUNS}/set-tag", run_id=run, key="t", value="x" * size)
    both.same("POST", f"{EX}/set-experiment-tag", experiment_id=experiment, key="t", value="x" * size)
    read(both, run)


VALUES: list[Any] = [0, -1.5, 1e308, 5e-324, "NaN", "Infinity", "-Infinity", "1.5", "x", None]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_of_metrics(both: Both, run: Twin, value: object) -> None:
    both.same("POST", f"{RUNS}/log-metric", run_id=run, key="m", value=value, timestamp=AT)
    both.same("GET", "metrics/get-history", run_id=run, metric_key="m")
    read(both, run)


@pytest.mark.parametrize("step", [0, -5, 2**40, "7", "x"], ids=str)
@pytest.mark.parametrize("timestamp", [AT, 0, -1, "5"], ids=str)
def test_steps_and_times_of_metrics(both: Both, run: Twin, step: object, timestamp: object) -> None:
    both.same("POST", f"{RUNS}/log-metric", run_id=run, key="m", value=1, step=step, timestamp=timestamp)
    read(both, run)


def test_the_latest_point_is_that_of_the_highest_step_then_time_then_value(both: Both, run: Twin) -> None:
    for step, at, value in [
        (1, 5, 1.0),
        (0, 9, 2.0),
        (1, 5, 3.0),
        (1, 4, 9.0),
        (2, 0, -1.0),
        (2, 0, -2.0),
    ]:
        both.same("POST", f"{RUNS}/log-metric", run_id=run, key="m", value=value, step=step, timestamp=AT + at)
        read(both, run)
    both.same("POST", f"{RUNS}/log-metric", run_id=run, key="m", value=3.0, step=1, timestamp=AT + 5)
    both.same("GET", "metrics/get-history", run_id=run, metric_key="m")


def test_a_history_comes_in_pages(both: Both, run: Twin) -> None:
    points = [{"key": "m", "value": n * 1.5, "timestamp": AT + n, "step": n} for n in range(12)]
    both.same("POST", f"{RUNS}/log-batch", run_id=run, metrics=points)
    pages_alike(both, "GET", "metrics/get-history", run_id=run, metric_key="m", max_results=5)
    for most in (1, 12, 0, -1, 50_000):
        both.same("GET", "metrics/get-history", run_id=run, metric_key="m", max_results=most)
    both.same("GET", "metrics/get-history", run_id=run, metric_key="m", page_token="%%%", max_results=5)
    both.same("GET", "metrics/get-history", run_id=run, metric_key="unknown")
    both.same("GET", "metrics/get-history", run_id=run)


def pages_alike(both: Both, method: str, path: str, **sent: Any) -> None:
    """All pages, each by its own server's token."""
    token: str | Twin = ""
    for _ in range(40):
        theirs, ours = both.ask(method, path, page_token=token, **sent)
        both.check_alike(theirs, ours, f"{path} {sent}")
        if "next_page_token" not in ours.body:
            return
        token = Twin(theirs.body["next_page_token"], ours.body["next_page_token"])
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize(
    ("metrics", "params", "tags"),
    [
        (1_000, 0, 0),
        (1_001, 0, 0),
        (0, 100, 0),
        (0, 101, 0),
        (0, 0, 100),
        (0, 0, 101),
        (900, 50, 50),
        (901, 50, 50),
        (0, 0, 0),
    ],
)
def test_how_much_fits_into_a_batch(both: Both, run: Twin, metrics: int, params: int, tags: int) -> None:
    both.same(
        "POST",
        f"{RUNS}/log-batch",
        run_id=run,
        metrics=[{"key": f"m{n}", "value": n, "timestamp": AT, "step": 0} for n in range(metrics)],
        params=[{"key": f"p{n}", "value": "1"} for n in range(params)],
        tags=[{"key": f"t{n}", "value": "1"} for n in range(tags)],
    )
    read(both, run)


@pytest.mark.parametrize(
    "batch",
    [
        {"metrics": [{"key": "m", "value": 1}]},
        {"metrics": [{"key": "m", "timestamp": AT}]},
        {"metrics": [{"value": 1, "timestamp": AT}]},
        {"metrics": {"key": "m"}},
        {"metrics": "m"},
        {"params": [{"value": "1"}]},
        {"tags": [{"key": "t"}]},
        {"tags": [{"key": "t", "value": "1"}, {"key": "t", "value": "2"}]},
        {"params": [{"key": "p", "value": "1"}], "tags": [{"key": "../t", "value": "1"}]},
    ],
    ids=str,
)
def test_a_batch_is_taken_whole_or_not_at_all(both: Both, run: Twin, batch: dict[str, Any]) -> None:
    both.same("POST", f"{RUNS}/log-batch", run_id=run, **batch)
    read(both, run)


def test_tags_are_set_and_deleted(both: Both, run: Twin) -> None:
    for value in ("1", "2", ""):
        both.same("POST", f"{RUNS}/set-tag", run_id=run, key="t", value=value)
        read(both, run)
    both.same("POST", f"{RUNS}/delete-tag", run_id=run, key="t")
    both.same("POST", f"{RUNS}/delete-tag", run_id=run, key="t")
    both.same("POST", f"{RUNS}/set-tag", run_id=run, key="t")
    both.same("POST", f"{RUNS}/set-tag", run_id=run, value="t")
    read(both, run)


def test_data_sets_and_models_are_inputs_and_outputs(both: Both, experiment: Twin, run: Twin) -> None:
    dataset = {"name": "trips", "digest": "abc", "source_type": "code", "source": "{}", "schema": "{}", "profile": "{}"}
    tags = [{"key": "mlflow.data.context", "value": "training"}]
    model = a_model(both, experiment, source_run_id=run)
    for datasets in (
        [{"dataset": dataset, "tags": tags}],
        [{"dataset": dataset}],
    ):
        both.same("POST", f"{RUNS}/log-inputs", run_id=run, datasets=datasets)
        read(both, run)
    both.same("POST", f"{RUNS}/log-inputs", run_id=run, models=[{"model_id": model}])
    both.same("POST", f"{RUNS}/outputs", run_id=run, models=[{"model_id": model, "step": 3}])
    both.same("POST", f"{RUNS}/outputs", run_id=run)
    both.same("POST", f"{RUNS}/log-inputs", run_id=run)
    both.same("POST", f"{RUNS}/log-inputs", run_id="0" * 32, datasets=[{"dataset": dataset}])
    read(both, run)


def test_a_logged_model_is_made_finished_tagged_and_deleted(both: Both, experiment: Twin, run: Twin) -> None:
    pair = [{"key": "k", "value": "v"}]
    model = a_model(both, experiment, source_run_id=run, model_type="agent", params=pair, tags=pair)
    at = f"{LOGGED}/{model}"
    both.same("GET", at)
    both.same("POST", f"{at}/params", model_id=model, params=[{"key": "q", "value": "1"}])
    both.same("PATCH", f"{at}/tags", model_id=model, tags=[{"key": "k", "value": "w"}, {"key": "l", "value": "x"}])
    both.same("DELETE", f"{at}/tags/k")
    both.same("DELETE", f"{at}/tags/k")
    both.same("POST", f"{RUNS}/log-metric", run_id=run, key="mae", value=1.5, timestamp=AT, model_id=model)
    both.same("GET", at)
    for status in ("LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"):
        both.same("PATCH", at, model_id=model, status=status)
        both.same("GET", at)
    both.same("DELETE", at)
    both.same("GET", at)
    both.same("GET", at, allow_deleted="true")
    both.same("DELETE", at)


@pytest.mark.parametrize("odd", ["a/b", "a:b", "a.b", "a%b", 'a"b', "a'b", " ", "ü", "x" * 500])
def test_names_of_logged_models(both: Both, experiment: Twin, odd: str) -> None:
    theirs, ours = both.ask("POST", LOGGED, experiment_id=experiment, name=odd)
    assert (theirs.status, theirs.error) == (ours.status, ours.error), (theirs, ours)


def test_a_logged_model_that_is_not_there(both: Both, experiment: Twin) -> None:
    at = f"{LOGGED}/m-{'0' * 32}"
    both.same("GET", at)
    both.same("DELETE", at)
    both.same("PATCH", at, model_id=at[-34:], status="LOGGED_MODEL_READY")
    both.same("PATCH", f"{at}/tags", model_id=at[-34:], tags=[{"key": "k", "value": "v"}])
    both.same("POST", LOGGED, experiment_id="987654321", name="x")


@pytest.mark.parametrize("path", ["", "none", "a/b", "..", "../x", "/etc", "%2e%2e"])
def test_a_run_without_files_lists_none(both: Both, run: Twin, path: str) -> None:
    both.same("GET", "artifacts/list", run_id=run, path=path)
    both.same("GET", "artifacts/list", run_id="0" * 32, path=path)
