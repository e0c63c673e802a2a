"""Who sees which experiments and runs, and what they reported."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.context import Credential, Door, present, through
from apps.core.errors import Missing
from apps.tracking.actions import log_metrics, open_run
from apps.tracking.models import Experiment, Run
from apps.tracking.queries import experiments, reported_by_run, runs
from apps.tracking.queries import run as run_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("who", ["owner", "colleague", "approver", "stranger", "operator", "admin"])
def test_everyone_sees_what_is_open_to_everyone(run: Run, who: str, request: pytest.FixtureRequest) -> None:
    person = request.getfixturevalue(who)
    assert list(runs(person)) == [run]
    assert run_of(actor=person, run_id=run.pk) == run


@pytest.mark.parametrize("who", ["owner", "colleague", "approver"])
def test_the_team_sees_what_is_restricted_to_it(
    restricted: Experiment, run: Run, who: str, request: pytest.FixtureRequest
) -> None:
    person = request.getfixturevalue(who)
    assert list(experiments(person)) == [restricted]
    assert run_of(actor=person, run_id=run.pk) == run


@pytest.mark.parametrize("who", ["stranger", "operator", "admin"])
def test_others_do_not_learn_that_a_restricted_run_exists(
    restricted: Experiment, run: Run, who: str, request: pytest.FixtureRequest
) -> None:
    person = request.getfixturevalue(who)
    assert not experiments(person)
    assert not runs(person)
    with pytest.raises(Missing) as hidden:
        run_of(actor=person, run_id=run.pk)
    with pytest.raises(Missing) as unknown:
        run_of(actor=person, run_id="f" * 32)
    assert hidden.value.message.replace(run.pk, "f" * 32) == unknown.value.message


def test_who_is_switched_off_sees_nothing(run: Run, colleague: User) -> None:
    colleague.is_active = False
    assert not runs(colleague)


@pytest.mark.parametrize(("teams", "seen"), [({"rides-eta"}, 1), ({"delivery"}, 0)])
def test_a_token_narrowed_to_teams_sees_their_runs_only(run: Run, owner: User, teams: set[str], seen: int) -> None:
    with through(Door.API):
        present(Credential(name="narrow", scopes=frozenset({"read"}), teams=frozenset(teams)))
        assert runs(owner).count() == seen


def test_a_token_narrowed_to_a_family_sees_no_runs(run: Run, owner: User) -> None:
    with through(Door.API):
        present(Credential(name="narrow", scopes=frozenset({"read"}), families=frozenset({"eta-trip"})))
        assert not runs(owner)


@pytest.mark.parametrize("run_id", ["", "\0", "' OR 1=1", "x" * 100_000])
def test_an_id_that_can_not_be_is_missing(owner: User, run_id: str) -> None:
    with pytest.raises(Missing):
        run_of(actor=owner, run_id=run_id)


def test_what_many_runs_reported_is_read_at_once(
    owner: User, experiment: Experiment, django_assert_num_queries: Callable[..., Any]
) -> None:
    made = [open_run(actor=owner, experiment=experiment, name=f"city {n}", tags={}) for n in range(5)]
    for number, run in enumerate(made[:4]):
        log_metrics(actor=owner, run=run, metrics={"mae": number, "rows": 90}, step=1)
        log_metrics(actor=owner, run=run, metrics={"mae": 100})
    with django_assert_num_queries(1):
        found = reported_by_run([run.pk for run in made])
    assert found == {run.pk: {"mae": float(number), "rows": 90.0} for number, run in enumerate(made[:4])}


def test_a_page_of_runs_asks_the_database_once(
    owner: User, experiment: Experiment, django_assert_num_queries: Callable[..., Any]
) -> None:
    for number in range(5):
        open_run(actor=owner, experiment=experiment, name=f"city {number}", tags={})
    with django_assert_num_queries(2):  # the reader's teams, the runs
        assert [f"{run} {run.experiment.team} {run.user}" for run in runs(owner)] == [
            f"city {number} Rides ETA Owner" for number in (4, 3, 2, 1, 0)
        ]
