"""Evaluations as rows: asked once, claimed by one worker, written only under the claim that holds."""

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import date
from itertools import product

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import User
from apps.audit.queries import timeline
from apps.core.errors import Conflict, Denied, Invalid
from apps.core.transitions import move
from apps.registry.actions import (
    Claim,
    claim_evaluations,
    fail_evaluations,
    finish_evaluations,
    renew_evaluations,
    request_evaluations,
)
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Promotion, RegisteredModel, Segment, Wave
from tests.registry.conftest import WORKER, Evaluate, MakeVersion, numbers

JULY = {"window_first": date(2013, 7, 1), "window_last": date(2013, 7, 31)}


@pytest.fixture
def version(make_version: MakeVersion, atlanta: Segment) -> ModelVersion:
    return make_version(atlanta)


def ask(actor: User, family: ModelFamily, *versions: ModelVersion) -> list[Evaluation]:
    return request_evaluations(actor=actor, family=family, candidates=versions, **JULY)


def test_the_same_evaluation_is_asked_for_once(version: ModelVersion, family: ModelFamily, owner: User) -> None:
    first, second = ask(owner, family, version, version), ask(owner, family, version)
    assert first == second
    assert [event.after["versions"] for event in timeline(family) if "evaluate" in event.sentence] == [1]


def test_a_champion_is_checked_alone_and_a_candidate_against_it(
    make_champion: MakeVersion, make_version: MakeVersion, family: ModelFamily, owner: User, atlanta: Segment
) -> None:
    champion, candidate = make_champion(atlanta), make_version(atlanta)
    against = {row.candidate: row.champion for row in ask(owner, family, champion, candidate)}
    assert against == {champion: None, candidate: champion}


def test_only_members_ask(version: ModelVersion, family: ModelFamily, stranger: User, operator: User) -> None:
    for person in (stranger, operator):
        with pytest.raises(Denied, match="Only members"):
            ask(person, family, version)


def test_a_window_that_ends_before_it_begins_is_refused(
    version: ModelVersion, family: ModelFamily, owner: User
) -> None:
    with pytest.raises(Invalid, match="not before its first"):
        request_evaluations(
            actor=owner,
            family=family,
            candidates=[version],
            window_first=date(2013, 7, 31),
            window_last=date(2013, 7, 1),
        )


def test_without_an_evaluator_nothing_can_be_asked(version: ModelVersion, family: ModelFamily, owner: User) -> None:
    family.evaluator = ""
    with pytest.raises(Conflict, match="There is no evaluator ''"):
        ask(owner, family, version)


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_moment_claim_each_evaluation_once(
    make_version: MakeVersion, family: ModelFamily, owner: User, atlanta: Segment
) -> None:
    asked = ask(owner, family, *[make_version(atlanta) for _ in range(12)])

    def claim(_: int) -> list[int]:
        try:
            return [row.pk for row in claim_evaluations(limit=3, lease_seconds=15)]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        claimed = [pk for batch in threads.map(claim, range(8)) for pk in batch]
    assert len(claimed) == len(set(claimed))
    while batch := claim_evaluations(**WORKER):
        claimed += [row.pk for row in batch]
    assert sorted(claimed) == sorted(row.pk for row in asked)


def test_who_lost_the_lease_writes_nothing(version: ModelVersion, family: ModelFamily, owner: User) -> None:
    ask(owner, family, version)
    (slow,) = claim_evaluations(limit=10, lease_seconds=-1)
    late = Claim(slow.pk, slow.attempt)
    (quick,) = claim_evaluations(**WORKER)
    assert quick.attempt == 2
    assert renew_evaluations(claims=[late], lease_seconds=15) == 0
    assert finish_evaluations(results=[(late, numbers(1.0, None))]) == 0
    assert fail_evaluations(failures=[(late, "too late")]) == 0
    assert finish_evaluations(results=[(Claim(quick.pk, quick.attempt), numbers(6.0, None))]) == 1
    assert Evaluation.objects.get().candidate_metric == 6.0


def test_a_failed_evaluation_is_tried_again_when_it_is_asked_for_again(
    version: ModelVersion, family: ModelFamily, owner: User
) -> None:
    ask(owner, family, version)
    (row,) = claim_evaluations(**WORKER)
    fail_evaluations(failures=[(Claim(row.pk, row.attempt), "The lake is dry.")])
    assert [again.status for again in ask(owner, family, version)] == ["waiting"]


def test_a_done_evaluation_can_not_be_changed(version: ModelVersion, evaluate: Evaluate) -> None:
    evaluate(version)
    with pytest.raises(DatabaseError, match="a done evaluation stays as it is"), transaction.atomic():
        Evaluation.objects.update(candidate_metric=0.01)
    with pytest.raises(DatabaseError, match="a done evaluation stays as it is"), transaction.atomic():
        Evaluation.objects.all()._raw_delete("default")


def test_a_done_evaluation_has_its_numbers(version: ModelVersion, family: ModelFamily, owner: User) -> None:
    ask(owner, family, version)
    with pytest.raises(DatabaseError, match="a_done_evaluation_has_its_numbers"), transaction.atomic():
        Evaluation.objects.update(status="done")


CITY = RegisteredModel(name="eta-trip.atlanta")
VERSION = ModelVersion(model=CITY, number=2)
ROWS: dict[str, ModelVersion | Evaluation | Wave | Promotion] = {
    "version": VERSION,
    "evaluation": Evaluation(candidate=VERSION),
    "wave": Wave(family=ModelFamily(name="Trip ETA"), segments=1),
    "promotion": Promotion(candidate=VERSION),
}
MATRIX = [(name, before, after) for name, row in ROWS.items() for before, after in product(row.Status, repeat=2)]


@pytest.mark.parametrize(("name", "before", "after"), MATRIX)
def test_only_the_allowed_moves_are_tried(name: str, before: str, after: str, db: None) -> None:
    """The row is in no table: an allowed move gets as far as finding nobody in its place, another is not tried."""
    row = copy(ROWS[name])
    row.pk, row.status = 0, before
    allowed = after in row.ALLOWED[before]
    with pytest.raises(Conflict, match="has changed meanwhile" if allowed else "can not become"):
        move(row, after)
