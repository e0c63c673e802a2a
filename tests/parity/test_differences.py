"""What differs on purpose still does: MLflow may have mended its side, and then the entry goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.parity.compared import Both, Twin, in_common
from tests.parity.differences import (
    DIFFERENCES,
    EXPERIMENT,
    FILLED,
    GONE,
    HIDDEN,
    MODEL,
    NOT_SERVED,
    OUTPUT,
    POINT,
    RUN,
    S3,
    UNBOUNDED,
    WORDINGS,
    Difference,
    Known,
    Wording,
)
from tests.parity.servers import Answer
from tests.parity.test_tracking_rules import AT


@dataclass(frozen=True)
class Stocked:
    """Both servers with what the differences speak of."""

    both: Both
    known: dict[Known, Twin]

    def ask(self, call: str, sent: dict[str, Any]) -> tuple[Answer, Answer]:
        method, path = call.split()
        for thing, twin in self.known.items():
            path = path.replace(f"<{thing.name}>", f"{twin}")
        return self.both.ask(method, path, **self._of(sent))

    def _of(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._of(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._of(item) for item in value]
        return self.known[value] if isinstance(value, Known) else value


@pytest.fixture(scope="module")
def stocked(both: Both) -> Stocked:
    both.ask("POST", "registered-models/create", name=MODEL)
    for _ in range(2):
        both.ask("POST", "model-versions/create", name=MODEL, source=S3)
    experiment = both.made("experiment_id", "POST", "experiments/create", name=MODEL)
    run = both.made("run.info.run_id", "POST", "runs/create", experiment_id=experiment, start_time=AT)
    model = both.made("model.info.model_id", "POST", "logged-models", experiment_id=experiment, name="output")
    both.ask("POST", "runs/outputs", run_id=run, models=[{"model_id": model, "step": 1}])
    both.ask("POST", "runs/log-metric", **{**POINT, "key": "twice of a model", "run_id": run, "model_id": model})
    hidden = both.made("experiment_id", "POST", "experiments/create", name=f"{MODEL}-hidden")
    both.ask("POST", "experiments/delete", experiment_id=hidden)
    gone = both.made("model.info.model_id", "POST", "logged-models", experiment_id=experiment, name="gone")
    both.ask("DELETE", f"logged-models/{gone}")
    return Stocked(both, {EXPERIMENT: experiment, RUN: run, OUTPUT: model, HIDDEN: hidden, GONE: gone})


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_a_difference_on_purpose_still_occurs(stocked: Stocked, difference: Difference) -> None:
    theirs, ours = stocked.ask(difference.call, difference.sent)
    assert (theirs.status, theirs.error) == difference.theirs, difference.reason
    assert (ours.status, ours.error) == difference.ours, difference.reason


@pytest.mark.parametrize("wording", WORDINGS, ids=lambda wording: wording.pattern.pattern)
def test_another_wording_is_still_another_and_means_the_same(stocked: Stocked, wording: Wording) -> None:
    theirs, ours = (answer.body["message"] for answer in stocked.ask(wording.call, wording.sent))
    assert theirs != ours, wording.reason
    assert in_common(theirs) == in_common(ours)


def test_the_portal_says_who_made_a_version_and_what_it_reported_and_mlflow_does_not(stocked: Stocked) -> None:
    pair = [{"key": "k", "value": "v"}]
    sent = {
        "experiment_id": stocked.known[EXPERIMENT],
        "source_run_id": stocked.known[RUN],
        "name": "m",
        "params": pair,
    }
    model = stocked.both.made("model.info.model_id", "POST", "logged-models", **sent)
    point = {"run_id": RUN, "key": "mae", "value": 1.5, "timestamp": AT, "model_id": model}
    stocked.ask("POST runs/log-metric", point)
    sent = {"name": MODEL, "source": f"models:/{model}", "model_id": model}
    theirs, ours = stocked.both.ask("POST", "model-versions/create", **sent)
    assert [name for name in FILLED if theirs.body["model_version"].get(name)] == []
    assert [name for name in FILLED if ours.body["model_version"].get(name)] == list(FILLED)


def test_infinity_is_kept_here_and_becomes_the_largest_float_there(stocked: Stocked) -> None:
    stocked.ask("POST runs/log-metric", {**POINT, "key": "unbounded", "value": "Infinity"})
    theirs, ours = stocked.ask("GET metrics/get-history", {"run_id": RUN, "metric_key": "unbounded"})
    (kept,), (said,) = theirs.body["metrics"], ours.body["metrics"]
    assert (UNBOUNDED[kept["value"]], said["value"]) == ("Infinity", "Infinity")


def test_a_run_that_ends_has_an_end_here_and_one_that_goes_on_has_none(stocked: Stocked) -> None:
    """MLflow leaves the time to the client, and forgets to take it back."""
    ends = []
    for sent in ({"status": "FINISHED"}, {"status": "FINISHED", "end_time": AT}, {"status": "RUNNING"}):
        answers = stocked.ask("POST runs/update", {"run_id": RUN, **sent})
        ends.append(tuple("end_time" in answer.body["run_info"] for answer in answers))
    assert ends == [(False, True), (True, True), (True, False)]


def test_of_two_points_of_one_step_and_time_what_is_no_number_is_the_last_here(stocked: Stocked) -> None:
    """MLflow keeps NaN as 0 with a mark, and compares the 0."""
    for value in (3.0, "NaN"):
        stocked.ask("POST runs/log-metric", {**POINT, "key": "twice", "value": value})
    theirs, ours = stocked.ask("GET runs/get", {"run_id": RUN})
    latest = [{one["key"]: one["value"] for one in answer.body["run"]["data"]["metrics"]} for answer in (theirs, ours)]
    assert [one["twice"] for one in latest] == [3.0, "NaN"]


def test_workspaces_are_mlflow_s_alone(stocked: Stocked) -> None:
    theirs, ours = stocked.ask("GET experiments/get", {"experiment_id": EXPERIMENT})
    assert [name in answer.body["experiment"] for answer in (theirs, ours) for name in NOT_SERVED] == [True, False]
