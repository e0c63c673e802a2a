"""Promotion, rollback and restore of 224 cities beside the least that a database can do for them, A B A B, in one run.

    make bench-waves

The yardstick moves as many aliases and writes as many lines of history, with one UPDATE and one INSERT by hand, in
tables of the same shape without any rule: no gates, no evidence, no audit. A figure is the median of the rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from apps.accounts.models import User
from apps.registry import actions
from apps.registry.models import ModelFamily, ModelVersion, Segment
from tests import conftest as people
from tests.registry import conftest as registry
from tests.registry.conftest import Evaluate, MakeVersion

CITIES, ROUNDS, BATCH = 224, 5, 100
admin, approver, owner, team, var_dir = people.admin, people.approver, people.owner, people.team, people.var_dir
family, make_version, evaluate = registry.family, registry.make_version, registry.evaluate
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cities(family: ModelFamily, admin: User, approver: User) -> list[Segment]:
    actions.update_family(actor=approver, family=family, tier=3)
    wanted = [actions.SegmentSpec(f"city-{n}", f"City {n}") for n in range(CITIES)]
    return actions.add_segments(actor=admin, family=family, segments=wanted)


@pytest.fixture
def train(cities: list[Segment], make_version: MakeVersion, evaluate: Evaluate) -> Callable[[], list[ModelVersion]]:
    """A new version of every city, evaluated."""

    def make() -> list[ModelVersion]:
        made = [make_version(city) for city in cities]
        for first in range(0, len(made), BATCH):
            evaluate(*made[first : first + BATCH])
        return made

    return make


@pytest.fixture
def by_hand() -> Callable[[list[ModelVersion]], None]:
    run("CREATE TABLE bare_alias AS SELECT model_id, name, version_id FROM registry_alias WITH NO DATA")
    run("CREATE UNIQUE INDEX ON bare_alias (model_id, name)")
    run("CREATE TABLE bare_move AS SELECT model_id, before_id, after_id, reason FROM registry_aliasmove WITH NO DATA")

    @transaction.atomic
    def move(versions: list[ModelVersion]) -> None:
        rows = [[version.model_id for version in versions], [version.pk for version in versions]]
        run(
            "UPDATE bare_alias SET version_id = after FROM unnest(%s::bigint[], %s::bigint[]) AS step(model, after)"
            " WHERE model_id = model AND name = 'champion'",
            *rows,
        )
        run("INSERT INTO bare_move SELECT model, after, after, 'x' FROM unnest(%s::bigint[], %s::bigint[])"
            " AS step(model, after)", *rows)  # fmt: skip

    return move


def run(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


def test_a_wave_beside_the_least_that_a_database_can_do(
    family: ModelFamily,
    train: Callable[[], list[ModelVersion]],
    by_hand: Callable[[list[ModelVersion]], None],
    owner: User,
    approver: User,
) -> None:
    taken: dict[str, list[float]] = {"by hand": [], "promote": [], "roll back": [], "restore": []}
    first = train()
    actions.propose(actor=owner, family=family, versions=first, reason="The first ones.")
    run("INSERT INTO bare_alias SELECT model_id, name, version_id FROM registry_alias")
    for _ in range(ROUNDS):
        new = train()
        back: dict[str, Any] = {"actor": approver, "family": family, "versions": new, "reason": "x"}
        with timed(taken["by hand"]):
            by_hand(new)
        with timed(taken["promote"]):
            actions.propose(actor=owner, family=family, versions=new, reason="Better.")
        with timed(taken["roll back"]):
            assert len(actions.rollback(**back).moves) == CITIES
        with timed(taken["restore"]):
            assert len(actions.restore(**back).moves) == CITIES
    print("\n" + "\n".join(lines({verb: statistics.median(each) for verb, each in taken.items()})))


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    into.append(time.perf_counter() - began)


def lines(taken: dict[str, float]) -> Iterator[str]:
    yield f"| {CITIES} cities | seconds | against by hand |"
    yield "|---|---|---|"
    for verb, seconds in taken.items():
        yield f"| {verb} | {seconds:.3f} | {seconds / taken['by hand']:.1f}× |"
