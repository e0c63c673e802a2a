"""Random sequences of calls: whatever people do in whatever order, both servers mean the same."""

from __future__ import annotations

from itertools import count
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.parity.compared import Both

RM, MV = "registered-models", "model-versions"
ROUNDS, STEPS = 12, 25
NAMES = st.sampled_from(["a", "b", "B", "c.d", "e f"])
NUMBERS = st.sampled_from(["1", "2", "3", "4", "0", "x"])
ALIASES = st.sampled_from(["prod", "test", "Test", "latest", "v1", "no way"])
KEYS = st.sampled_from(["k", "other.key", "a/b", "/", "mlflow.prompt.is_prompt"])
VALUES = st.sampled_from(["x", "X", "true", "", "50%", "it's"])
STAGES = st.sampled_from(["None", "staging", "Production", "ARCHIVED", "unknown"])
CLAUSES = st.sampled_from(
    [
        "tags.k = 'x'",
        "tags.k != 'x'",
        "tags.k ILIKE 'X%'",
        "tags.`other.key` = 'true'",
        "tags.`mlflow.prompt.is_prompt` = 'true'",
        "tags.`mlflow.prompt.is_prompt` != 'true'",
    ]
)
_round = count(1)


class Calls(RuleBasedStateMachine):
    """Each round has names of its own, so that what earlier ones left is in nobody's way."""

    both: ClassVar[Both]

    def __init__(self) -> None:
        super().__init__()
        self.prefix = f"round-{next(_round)}-"

    def ask(self, method: str, path: str, **sent: Any) -> None:
        for field in ("name", "new_name"):
            if field in sent:
                sent[field] = self.prefix + sent[field]
        self.both.same(method, path, **sent)

    @rule(name=NAMES, key=KEYS, value=VALUES, tagged=st.booleans())
    def create(self, name: str, key: str, value: str, tagged: bool) -> None:
        self.ask("POST", f"{RM}/create", name=name, tags=[{"key": key, "value": value}] if tagged else [])

    @rule(name=NAMES, key=KEYS, value=VALUES)
    def register(self, name: str, key: str, value: str) -> None:
        prompt = key == "mlflow.prompt.is_prompt" and value == "true"
        source = "dummy-source" if prompt else "s3://bucket/model"
        self.ask("POST", f"{MV}/create", name=name, source=source, tags=[{"key": key, "value": value}])

    @rule(name=NAMES, other=NAMES, number=NUMBERS)
    def copy(self, name: str, other: str, number: str) -> None:
        self.ask("POST", f"{MV}/create", name=name, source=f"models:/{self.prefix}{other}/{number}")

    @rule(name=NAMES, new_name=NAMES)
    def rename(self, name: str, new_name: str) -> None:
        if name != new_name:
            self.ask("POST", f"{RM}/rename", name=name, new_name=new_name)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.ask("DELETE", f"{RM}/delete", name=name)

    @rule(name=NAMES, number=NUMBERS)
    def delete_version(self, name: str, number: str) -> None:
        self.ask("DELETE", f"{MV}/delete", name=name, version=number)

    @rule(name=NAMES, alias=ALIASES, number=NUMBERS)
    def set_alias(self, name: str, alias: str, number: str) -> None:
        self.ask("POST", f"{RM}/alias", name=name, alias=alias, version=number)

    @rule(name=NAMES, alias=ALIASES)
    def delete_alias(self, name: str, alias: str) -> None:
        self.ask("DELETE", f"{RM}/alias", name=name, alias=alias)

    @rule(name=NAMES, number=NUMBERS, stage=STAGES, archive=st.booleans())
    def move(self, name: str, number: str, stage: str, archive: bool) -> None:
        archive = archive and stage in ("staging", "Production") and number.isdecimal()
        sent = {"version": number, "stage": stage, "archive_existing_versions": archive}
        self.ask("POST", f"{MV}/transition-stage", name=name, **sent)

    @rule(name=NAMES, number=NUMBERS, key=KEYS, value=VALUES)
    def tag(self, name: str, number: str, key: str, value: str) -> None:
        self.ask("POST", f"{RM}/set-tag", name=name, key=key, value=value)
        self.ask("POST", f"{MV}/set-tag", name=name, version=number, key=key, value=value)

    @rule(name=NAMES, number=NUMBERS, key=KEYS)
    def untag(self, name: str, number: str, key: str) -> None:
        self.ask("DELETE", f"{RM}/delete-tag", name=name, key=key)
        self.ask("DELETE", f"{MV}/delete-tag", name=name, version=number, key=key)

    @rule(name=NAMES, number=NUMBERS, value=VALUES)
    def describe(self, name: str, number: str, value: str) -> None:
        self.ask("PATCH", f"{RM}/update", name=name, description=value)
        self.ask("PATCH", f"{MV}/update", name=name, version=number, description=value)

    @rule(name=NAMES, number=NUMBERS, alias=ALIASES)
    def read(self, name: str, number: str, alias: str) -> None:
        self.ask("GET", f"{RM}/get", name=name)
        self.ask("GET", f"{MV}/get", name=name, version=number)
        self.ask("GET", f"{RM}/alias", name=name, alias=alias)
        self.ask("GET", f"{MV}/get-download-uri", name=name, version=number)
        self.ask("GET", f"{RM}/get-latest-versions", name=name)

    @rule(clause=st.none() | CLAUSES)
    def search(self, clause: str | None) -> None:
        text = f"name LIKE '{self.prefix}%'" + (f" AND {clause}" if clause else "")
        self.ask("GET", f"{RM}/search", filter=text)
        self.ask("GET", f"{MV}/search", filter=text, order_by=["name", "version_number"])


def walk(calls: type[RuleBasedStateMachine]) -> None:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    chosen = settings(
        max_examples=ROUNDS,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=slow,
        database=None,
        phases=[Phase.generate],  # a walk that fails is shown as it was: to shorten it takes minutes
        derandomize=True,  # the same walks in every run; more of them are tried by raising ROUNDS
    )
    run_state_machine_as_test(calls, settings=chosen)


def test_random_calls_mean_the_same(both: Both) -> None:
    Calls.both = both
    walk(Calls)
