"""Random sequences of calls to tracking: whatever scripts do in whatever order, both servers mean the same."""

from __future__ import annotations

from itertools import count
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.parity.compared import Both, Twin
from tests.parity.test_registry_random import walk
from tests.parity.test_tracking_rules import AT, EX, LOGGED, RUNS, a_model, a_run

ANY = st.integers(0, 3)
KEYS = st.sampled_from(["k", "a.b", "a/b", "mlflow.note"])
TEXTS = st.sampled_from(["1", "2", "x", "", "50%", "it's"])
NUMBERS = st.sampled_from([0.0, 1.5, -2, "Infinity"])
STATUSES = st.sampled_from(["FINISHED", "FAILED", "KILLED"])
CLAUSES = st.sampled_from(
    [
        *("", "params.k = '1'", "params.k IS NULL", "tags.`a.b` LIKE '%x%'", "metrics.k > 0", "metrics.k != 1.5"),
        *("status = 'FINISHED'", "tags.mlflow.runName = 'run 1'", "attributes.run_name ILIKE 'RUN%'"),
    ]
)
_round = count(1)


class Calls(RuleBasedStateMachine):
    """Each round has an experiment of its own, and up to four runs and logged models."""

    both: ClassVar[Both]

    @initialize()
    def begin(self) -> None:
        self.name = f"walk {next(_round)}"
        self.experiment = self.both.made("experiment_id", "POST", f"{EX}/create", name=self.name)
        self.runs = [a_run(self.both, self.experiment, run_name=f"run {n}", start_time=AT + n) for n in range(2)]
        self.linked: set[int] = set()
        self.models = [a_model(self.both, self.experiment, source_run_id=self.runs[0])]

    def one_of(self, known: list[Twin], number: int) -> Twin:
        return known[number % len(known)]

    def post(self, path: str, number: int, **sent: Any) -> None:
        self.both.same("POST", f"{RUNS}/{path}", run_id=self.one_of(self.runs, number), **sent)

    @rule(at=ANY)
    def start(self, at: int) -> None:
        found = self.both.same("GET", f"{EX}/get", experiment_id=self.experiment)
        if len(self.runs) < 4 and found.body["experiment"]["lifecycle_stage"] == "active":
            # No two begin at once: each server would put those in the order of its own ids.
            self.runs.append(a_run(self.both, self.experiment, start_time=AT + 10 * at + len(self.runs)))

    @rule(number=ANY, key=KEYS, value=TEXTS)
    def log_param(self, number: int, key: str, value: str) -> None:
        self.post("log-parameter", number, key=key, value=value)

    @rule(number=ANY, key=KEYS, value=NUMBERS, step=st.integers(-1, 2))
    def log_metric(self, number: int, key: str, value: object, step: int) -> None:
        self.post("log-metric", number, key=key, value=value, step=step, timestamp=AT)

    @rule(number=ANY, key=KEYS, value=TEXTS)
    def tag(self, number: int, key: str, value: str) -> None:
        self.post("set-tag", number, key=key, value=value)

    @rule(number=ANY, key=KEYS)
    def untag(self, number: int, key: str) -> None:
        self.post("delete-tag", number, key=key)

    @rule(number=ANY, key=KEYS, other=KEYS, value=TEXTS)
    def batch(self, number: int, key: str, other: str, value: str) -> None:
        pairs = [{"key": one, "value": value} for one in (key, other)]
        self.post("log-batch", number, params=pairs[:1], tags=pairs)

    @rule(number=ANY, status=STATUSES, end=st.integers(0, 9))
    def update(self, number: int, status: str, end: int) -> None:
        self.post("update", number, status=status, end_time=AT + end)

    @rule(number=ANY)
    def delete(self, number: int) -> None:
        self.post("delete", number)

    @rule(number=ANY)
    def restore(self, number: int) -> None:
        self.post("restore", number)

    @rule(hide=st.booleans())
    def hide_or_show(self, hide: bool) -> None:
        self.both.same("POST", f"{EX}/{'delete' if hide else 'restore'}", experiment_id=self.experiment)

    @rule(key=KEYS, value=TEXTS, number=ANY)
    def describe_model(self, key: str, value: str, number: int) -> None:
        at = f"{LOGGED}/{self.models[0]}"
        self.both.same("PATCH", f"{at}/tags", model_id=self.models[0], tags=[{"key": key, "value": value}])
        self.both.same("GET", at)
        if (number := number % len(self.runs)) not in self.linked:
            self.linked.add(number)
            self.post("outputs", number, models=[{"model_id": self.models[0], "step": 1}])

    @rule(number=ANY, key=KEYS)
    def read(self, number: int, key: str) -> None:
        run = self.one_of(self.runs, number)
        self.both.same("GET", f"{RUNS}/get", run_id=run)
        self.both.same("GET", "metrics/get-history", run_id=run, metric_key=key)
        self.both.same("GET", f"{EX}/get", experiment_id=self.experiment)

    @rule(clause=CLAUSES, view=st.sampled_from(["ACTIVE_ONLY", "DELETED_ONLY", "ALL"]))
    def search(self, clause: str, view: str) -> None:
        sent = {"experiment_ids": [self.experiment], "run_view_type": view, "order_by": ["start_time", "run_name"]}
        self.both.same("POST", f"{RUNS}/search", filter=clause, **sent)
        self.both.same("POST", f"{EX}/search", filter=f"name = '{self.name}'", view_type=view, max_results=10)


def test_random_calls_mean_the_same(both: Both) -> None:
    Calls.both = both
    walk(Calls)
