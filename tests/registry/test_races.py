"""Eight people press at once, again and again, through every door: what must always hold holds afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from random import Random

import pytest
from django.db import connection, transaction

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.context import Door, through
from apps.core.errors import Conflict, PortalError
from apps.core.permissions import scopes
from apps.registry import actions, queries
from apps.registry.actions.applying import Move, move_aliases
from apps.registry.models import Alias, AliasMove, Evaluation, ModelFamily, ModelVersion, Promotion, Segment, Wave
from tests.conftest import api
from tests.mlflow_protocol.conftest import Mlflow
from tests.registry.conftest import WORKER, Evaluate, MakeVersion, numbers

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE, ROUNDS = 8, 200
Verb = Callable[[Random], object]


@pytest.fixture
def family(family: ModelFamily, approver: User) -> ModelFamily:
    """`staging` moves at once, `champion` with one approval."""
    order = [actions.AliasSpec("staging", 0), actions.AliasSpec("champion", 1)]
    return actions.update_family(actor=approver, family=family, aliases=order)


@pytest.fixture
def versions(
    family: ModelFamily, make_version: MakeVersion, evaluate: Evaluate, owner: User, approver: User
) -> list[ModelVersion]:
    """Two cities with four versions each; the first is the champion."""
    cities = Segment.objects.filter(slug__in=["atlanta", "boston"])
    made = [make_version(city) for _ in range(4) for city in cities]
    evaluate(*made[:2])
    actions.propose(actor=owner, family=family, versions=made[:2], reason="first", alias="staging")
    wave = actions.propose(actor=owner, family=family, versions=made[:2], reason="first")
    actions.approve(actor=approver, wave=wave, digest=wave.digest)
    evaluate(*made[2:])
    return made


@pytest.fixture
def verbs(
    family: ModelFamily, versions: list[ModelVersion], owner: User, colleague: User, approver: User
) -> list[Verb]:
    """What people, scripts and the worker do, each with a random city, version and alias."""
    rest = api(colleague)
    mlflow = Mlflow(f"Bearer {create_token(actor=colleague, name='train', scopes=scopes()).secret}")

    def propose(random: Random) -> object:
        chosen = random.sample(versions, random.choice([1, 1, 2]))
        alias = random.choice(["staging", "champion"])
        return actions.propose(actor=owner, family=family, versions=chosen, reason="better", alias=alias)

    def decide(random: Random) -> object:
        waves = list(Wave.objects.filter(status="proposed"))
        wave = random.choice(waves) if waves else None
        if wave and random.random() < 0.15:
            return actions.withdraw(actor=approver, wave=wave, reason="no")
        return wave and actions.approve(actor=approver, wave=wave, digest=wave.digest)

    def take_back(random: Random) -> object:
        name = random.choice(["staging", "champion"])
        held = Alias.objects.filter(name=name).select_related("version__model")
        version = random.choice(list(held)).version
        return actions.rollback(actor=approver, family=family, versions=[version], reason="slow", alias=name)

    def measure(random: Random) -> object:
        claimed = actions.claim_evaluations(**WORKER)
        results = [
            (actions.Claim(row.pk, row.attempt), numbers(6.0, 9.0 if row.champion_id else None)) for row in claimed
        ]
        return actions.finish_evaluations(results=results)

    def over_the_api(random: Random) -> object:
        version, alias = random.choice(versions), random.choice(["staging", "champion"])
        address = f"/api/v1/models/{version.model.name}/aliases/{alias}/"
        answer = rest.put(address, {"version": version.number}, format="json")
        assert answer.status_code in (200, 403, 409), answer.content
        return answer

    def over_mlflow(random: Random) -> object:
        version, alias = random.choice(versions), random.choice(["staging", "champion"])
        if random.random() < 0.2:
            answer = mlflow.delete("registered-models/alias", name=version.model.name, alias=alias)
            assert answer[0] == 403, answer
            return answer
        body = {"name": version.model.name, "alias": alias, "version": str(version.number)}
        answer = mlflow.post("registered-models/alias", **body)
        assert answer[0] in (200, 403, 409), answer
        return answer

    return [propose, propose, decide, decide, take_back, measure, over_the_api, over_mlflow]


def test_whatever_eight_people_do_at_once_the_registry_stays_true(
    verbs: list[Verb], versions: list[ModelVersion]
) -> None:
    rounds = [ROUNDS // PEOPLE] * PEOPLE
    with ThreadPoolExecutor(PEOPLE) as people:
        list(people.map(lambda person: press(verbs, Random(person), rounds[person]), range(PEOPLE)))
    kinds = Counter(AliasMove.objects.values_list("kind", flat=True))
    assert kinds["promotion"] > 6, kinds
    assert kinds["rollback"] > 2, kinds
    assert set(kinds) == {"promotion", "rollback"}
    for model in {version.model_id for version in versions}:
        for alias in ("staging", "champion"):
            history_has_no_gap(model, alias)
    nothing_serves_without_its_evidence()
    each_move_was_told_once()
    what_is_open_is_open_once()


def press(verbs: list[Verb], random: Random, rounds: int) -> None:
    """One person with a database connection of their own; refusals are part of life."""
    try:
        for _ in range(rounds):
            with through(Door.COMMAND):
                refused(random.choice(verbs), random)
    finally:
        connection.close()


def refused(verb: Verb, random: Random) -> PortalError | None:
    try:
        verb(random)
    except PortalError as refusal:
        return refusal
    return None


def history_has_no_gap(model: int, alias: str) -> None:
    moves = list(AliasMove.objects.filter(model=model, name=alias).order_by("id"))
    assert [move.before_id for move in moves] == [None, *(move.after_id for move in moves[:-1])]
    assert all(earlier.at <= later.at for earlier, later in pairwise(moves))
    points_to = Alias.objects.filter(model=model, name=alias).values_list("version", flat=True)
    assert list(points_to) == [moves[-1].after_id]


def nothing_serves_without_its_evidence() -> None:
    """What was promoted had beaten exactly what it replaced; what came back had served before."""
    for move in promoted():
        promotion = move.promotion
        assert promotion is not None
        assert promotion.evaluation is not None
        assert (promotion.status, promotion.evaluation.status) == ("applied", "done")
        assert (promotion.candidate_id, promotion.before_id) == (move.after_id, move.before_id)
        judged = promotion.evaluation
        assert (judged.candidate_id, judged.champion_id) == (promotion.candidate_id, promotion.champion_id)
        assert {result.outcome for result in promotion.gate_results.all()} == {"pass"}
        if move.name == "champion":
            assert promotion.champion_id == move.before_id
    for back in AliasMove.objects.filter(kind="rollback"):
        earlier = AliasMove.objects.filter(model=back.model_id, name=back.name, after=back.after_id, id__lt=back.pk)
        assert earlier.exists()


def promoted() -> Iterator[AliasMove]:
    related = AliasMove.objects.filter(kind="promotion").select_related("promotion__evaluation")
    yield from related.prefetch_related("promotion__gate_results")


def each_move_was_told_once() -> None:
    for kind, action in (("promotion", "registry.promoted"), ("rollback", "registry.rolled_back")):
        moved = Counter(str(pk) for pk in AliasMove.objects.filter(kind=kind).values_list("after", flat=True))
        told = Counter(AuditEvent.objects.filter(action=action).values_list("target_id", flat=True))
        assert told == moved
    applied = Promotion.objects.filter(status="applied")
    assert set(applied.values_list("pk", flat=True)) == {move.promotion_id for move in promoted()}


def what_is_open_is_open_once() -> None:
    opened = Promotion.objects.filter(is_open=True)
    assert set(opened.values_list("wave__status", flat=True)) <= {"proposed"}
    assert max(Counter(opened.values_list("model", flat=True)).values(), default=1) == 1
    assert not Evaluation.objects.filter(status="done", candidate_metric=None).exists()


def test_a_candidate_that_was_compared_with_another_champion_is_refused_and_compared_again(
    family: ModelFamily, versions: list[ModelVersion], owner: User, approver: User
) -> None:
    """Compared with v1; v2 is applied; 409 says so, and the new comparison is asked for."""
    _, _, second, _, third, *_ = versions
    assert second.model == third.model
    for alias in ("staging", "champion"):
        wave = actions.propose(actor=owner, family=family, versions=[second], reason="better", alias=alias)
    actions.approve(actor=approver, wave=wave, digest=wave.digest)
    answer = api(owner).post(
        "/api/v1/promotions/",
        {"family": "eta-trip", "versions": [third.pk], "reason": "better", "alias": "staging"},
        format="json",
    )
    assert answer.status_code == 409
    assert "It was evaluated against v1, the champion is v2: evaluate it again." in answer.json()["message"]
    assert "It is being evaluated now" in answer.json()["message"]
    assert [row.champion_id for row in queries.evaluations(owner).filter(status="waiting")] == [second.pk]


def test_an_alias_that_is_not_where_it_was_seen_does_not_move(
    versions: list[ModelVersion], approver: User, family: ModelFamily
) -> None:
    """The last line: whoever came here with what was true a moment ago, all or none of it moves."""
    seen, other, second, *_ = versions
    assert seen.model == second.model != other.model
    before = dict(Alias.objects.values_list("pk", "version"))
    for stale in (Move(second, seen), Move(None, second)):
        with pytest.raises(Conflict, match=f"The champion of {seen.model} has moved meanwhile"), transaction.atomic():
            move_aliases(actor=approver, alias="champion", moves=[stale], kind="promotion", reason="x")
    assert dict(Alias.objects.values_list("pk", "version")) == before
