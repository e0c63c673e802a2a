"""Opening runs, reporting, closing: who may and what is kept."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from apps.accounts.models import Team, User
from apps.audit.models import AuditEvent
from apps.audit.queries import timeline
from apps.core.context import Credential, Door, present, through
from apps.core.errors import Conflict, Denied, Invalid
from apps.tracking.actions import close_run, ensure_experiment, log_metrics, log_params, open_run
from apps.tracking.models import LONGEST_KEY, LONGEST_VALUE, Experiment, Metric, Run, Visibility
from apps.tracking.queries import experiments, metric_history, reported
from tests.threads import behind, together

pytestmark = pytest.mark.django_db
Status = Run.Status
RUN_ID = "0123456789abcdef" * 2
NAMES = ["", "  ", "a" * (LONGEST_KEY + 1), "nul\0", "new\nline", "\ud800"]


def test_an_experiment_is_made_once_and_told_once(owner: User, colleague: User, team: Team) -> None:
    first = ensure_experiment(actor=owner, name="eta-trip", team=team)
    second = ensure_experiment(actor=colleague, name="eta-trip", team=team)
    assert first == second
    assert [str(event) for event in timeline(first)] == ["Owner started the experiment eta-trip"]


def test_a_name_belongs_to_one_team(experiment: Experiment, stranger: User, other_team: Team) -> None:
    with pytest.raises(Conflict, match="Another team has an experiment 'eta-trip'"):
        ensure_experiment(actor=stranger, name="eta-trip", team=other_team)


def test_an_experiment_can_start_restricted_to_its_team(owner: User, stranger: User, team: Team) -> None:
    made = ensure_experiment(actor=owner, name="secret", team=team, visibility=Visibility.TEAMS)
    assert not experiments(stranger).filter(pk=made.pk).exists()
    assert experiments(owner).filter(pk=made.pk).exists()


def test_an_experiment_is_restricted_later_once_and_told_once(experiment: Experiment, owner: User, team: Team) -> None:
    for _ in range(2):
        found = ensure_experiment(actor=owner, name=experiment.name, team=team, visibility=Visibility.TEAMS)
    experiment.refresh_from_db()
    assert found.visibility == experiment.visibility == Visibility.TEAMS
    assert [str(event) for event in timeline(experiment)] == [
        "Owner restricted the experiment eta-trip to its team",
        "Owner started the experiment eta-trip",
    ]


def test_a_restricted_experiment_is_not_opened_by_the_way(restricted: Experiment, owner: User, team: Team) -> None:
    found = ensure_experiment(actor=owner, name=restricted.name, team=team)
    assert found.visibility == Visibility.TEAMS


@pytest.mark.parametrize("who", ["stranger", "operator", "admin"])
def test_only_members_start_experiments_and_runs(
    experiment: Experiment, team: Team, who: str, request: pytest.FixtureRequest
) -> None:
    person = request.getfixturevalue(who)
    with pytest.raises(Denied, match="Only members of a team"):
        ensure_experiment(actor=person, name="another", team=team)
    with pytest.raises(Denied, match="Only members of the experiment's team"):
        open_run(actor=person, experiment=experiment, name="atlanta", tags={})
    assert not Run.objects.exists()


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_can_be_read(owner: User, team: Team, name: str) -> None:
    with pytest.raises(Invalid, match="printable"):
        ensure_experiment(actor=owner, name=name, team=team)


def test_a_run_opens_running_with_its_tags_and_an_empty_tree(run: Run) -> None:
    assert (run.status, run.ended_at, len(run.id)) == (Status.RUNNING, None, 32)
    assert dict(run.tags.values_list("key", "value")) == {"segment": "atlanta"}
    assert not run.tree.files.exists()
    assert not run.tree.is_sealed


def test_evidence_is_not_in_the_audit(run: Run, owner: User) -> None:
    log_params(actor=owner, run=run, params={"alpha": "1"})
    log_metrics(actor=owner, run=run, metrics={"mae": 3.5})
    close_run(actor=owner, run=run, status=Status.FINISHED)
    assert AuditEvent.objects.count() == 1  # the experiment


def test_the_same_id_finds_the_run_that_is_open(owner: User, experiment: Experiment) -> None:
    first = open_run(actor=owner, experiment=experiment, name="atlanta", tags={}, run_id=RUN_ID)
    second = open_run(actor=owner, experiment=experiment, name="atlanta", tags={}, run_id=RUN_ID)
    assert first == second
    assert Run.objects.count() == 1


def test_an_id_that_somebody_else_has_or_that_has_ended_is_taken(
    owner: User, colleague: User, experiment: Experiment
) -> None:
    run = open_run(actor=owner, experiment=experiment, name="atlanta", tags={}, run_id=RUN_ID)
    with pytest.raises(Conflict, match="taken"):
        open_run(actor=colleague, experiment=experiment, name="atlanta", tags={}, run_id=RUN_ID)
    close_run(actor=owner, run=run, status=Status.FINISHED)
    with pytest.raises(Conflict, match="taken"):
        open_run(actor=owner, experiment=experiment, name="atlanta", tags={}, run_id=RUN_ID)


@pytest.mark.parametrize("run_id", ["", "abc", RUN_ID.upper(), RUN_ID + "\n", "../" + RUN_ID, "g" * 32])
def test_an_id_has_mlflows_form(owner: User, experiment: Experiment, run_id: str) -> None:
    with pytest.raises(Invalid, match="32 hex digits"):
        open_run(actor=owner, experiment=experiment, name="atlanta", tags={}, run_id=run_id)


def test_parameters_are_set_once(run: Run, owner: User) -> None:
    log_params(actor=owner, run=run, params={"alpha": "1", "features": "all"})
    log_params(actor=owner, run=run, params={"alpha": "1", "seed": "7"})
    with pytest.raises(Conflict, match="'alpha' is '1' already"):
        log_params(actor=owner, run=run, params={"alpha": "2", "late": "x"})
    assert dict(run.params.values_list("key", "value")) == {"alpha": "1", "features": "all", "seed": "7"}


def test_the_latest_value_is_the_one_of_the_highest_step(run: Run, owner: User) -> None:
    log_metrics(actor=owner, run=run, metrics={"mae": 3.0, "rows": 92}, step=2)
    log_metrics(actor=owner, run=run, metrics={"mae": 9.0}, step=1)
    assert reported(run) == {"mae": 3.0, "rows": 92.0}
    assert [point.value for point in metric_history(run).filter(key="mae")] == [9.0, 3.0]


def test_at_one_step_the_later_value_counts(run: Run, owner: User) -> None:
    log_metrics(actor=owner, run=run, metrics={"mae": 3.0}, at=datetime(2013, 7, 2, tzinfo=UTC))
    log_metrics(actor=owner, run=run, metrics={"mae": 9.0}, at=datetime(2013, 7, 1, tzinfo=UTC))
    assert reported(run) == {"mae": 3.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, 5])
def test_every_float_is_kept(run: Run, owner: User, value: float) -> None:
    log_metrics(actor=owner, run=run, metrics={"loss": value})
    assert repr(reported(run)["loss"]) == repr(float(value))


@pytest.mark.parametrize("value", [3.5, math.nan])
def test_the_same_point_is_stored_once(run: Run, owner: User, value: float) -> None:
    for _ in range(2):
        log_metrics(actor=owner, run=run, metrics={"mae": value}, step=3, at=datetime(2013, 7, 1, tzinfo=UTC))
    assert Metric.objects.count() == 1


@pytest.mark.parametrize("value", ["3.5", None, True, [1], 10**400])
def test_what_is_not_a_number_is_refused_by_its_name(run: Run, owner: User, value: Any) -> None:
    with pytest.raises(Invalid, match="'mae'") as refused:
        log_metrics(actor=owner, run=run, metrics={"rows": 1, "mae": value})
    assert refused.value.field == "metrics.mae"
    assert reported(run) == {}


@pytest.mark.parametrize("step", [2**63, -(2**63) - 1])
def test_a_step_fits_64_bits(run: Run, owner: User, step: int) -> None:
    with pytest.raises(Invalid, match="64-bit"):
        log_metrics(actor=owner, run=run, metrics={"mae": 1}, step=step)


@pytest.mark.parametrize("key", NAMES, ids=ascii)
def test_names_of_parameters_metrics_and_tags_can_be_read(run: Run, owner: User, key: str) -> None:
    with pytest.raises(Invalid, match="printable"):
        log_params(actor=owner, run=run, params={key: "1"})
    with pytest.raises(Invalid, match="printable"):
        log_metrics(actor=owner, run=run, metrics={key: 1})
    with pytest.raises(Invalid, match="printable"):
        open_run(actor=owner, experiment=run.experiment, name="atlanta", tags={key: "1"})


@pytest.mark.parametrize("value", ["v" * (LONGEST_VALUE + 1), "nul\0", "\ud800"], ids=["long", "nul", "surrogate"])
def test_values_fit(run: Run, owner: User, value: str) -> None:
    with pytest.raises(Invalid, match="value of 'alpha'"):
        log_params(actor=owner, run=run, params={"alpha": value})


def test_a_thousand_metrics_at_once_and_no_more(
    run: Run, owner: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    with django_assert_max_num_queries(4):
        log_metrics(actor=owner, run=run, metrics={f"m{number}": number for number in range(1_000)})
    assert len(reported(run)) == 1_000
    with pytest.raises(Invalid, match="1001 metrics at once are too many"):
        log_metrics(actor=owner, run=run, metrics={f"m{number}": number for number in range(1_001)})


@pytest.mark.parametrize("who", ["colleague", "approver", "stranger", "operator", "admin"])
def test_a_run_is_written_only_by_the_person_it_runs_as(run: Run, who: str, request: pytest.FixtureRequest) -> None:
    person = request.getfixturevalue(who)
    with pytest.raises(Denied, match="Only the person a run belongs to"):
        log_metrics(actor=person, run=run, metrics={"mae": 0})
    with pytest.raises(Denied, match="Only the person a run belongs to"):
        log_params(actor=person, run=run, params={"alpha": "0"})
    with pytest.raises(Denied, match="Only the person a run belongs to"):
        close_run(actor=person, run=run, status=Status.FAILED)
    run.refresh_from_db()
    assert (run.status, reported(run)) == (Status.RUNNING, {})


def test_a_token_that_may_only_read_writes_nothing(run: Run, owner: User) -> None:
    with through(Door.API):
        present(Credential(name="reader", scopes=frozenset({"read"})))
        with pytest.raises(Denied, match="tracking:write"):
            log_metrics(actor=owner, run=run, metrics={"mae": 0})


def test_a_token_of_another_team_writes_nothing(run: Run, owner: User) -> None:
    with through(Door.API):
        present(Credential(name="other", scopes=frozenset({"tracking:write"}), teams=frozenset({"delivery"})))
        with pytest.raises(Denied, match="tracking:write"):
            log_metrics(actor=owner, run=run, metrics={"mae": 0})


@pytest.mark.parametrize("status", [Status.FINISHED, Status.FAILED, Status.KILLED])
def test_a_run_ends_once_and_saying_it_again_changes_nothing(run: Run, owner: User, status: str) -> None:
    first = close_run(actor=owner, run=run, status=status)
    ended_at = first.ended_at
    assert ended_at is not None
    assert ended_at >= run.started_at
    assert close_run(actor=owner, run=run, status=status).ended_at == ended_at


def test_whoever_ends_a_run_last_says_how_it_ended(run: Run, owner: User) -> None:
    """A script says FINISHED and breaks afterwards; the verdict of whoever ran it counts."""
    close_run(actor=owner, run=run, status=Status.FINISHED)
    assert close_run(actor=owner, run=run, status=Status.FAILED).status == Status.FAILED


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED", "nonsense"])
def test_closing_ends_a_run(run: Run, owner: User, status: str) -> None:
    with pytest.raises(Conflict, match="can not become"):
        close_run(actor=owner, run=run, status=status)


@pytest.mark.django_db(transaction=True)
def test_an_experiment_started_by_two_at_once_is_one(owner: User, colleague: User, team: Team) -> None:
    people = [owner, colleague] * 2
    errors = together(*[partial(ensure_experiment, actor=person, name="eta-trip", team=team) for person in people])
    assert errors == [None] * 4
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_run_closed_by_two_at_once_has_one_end(run: Run, owner: User) -> None:
    def close(status: str) -> Callable[[], Run]:
        return lambda: close_run(actor=owner, run=Run.objects.get(pk=run.pk), status=status)

    errors = together(close(Status.FINISHED), close(Status.FAILED))
    assert {type(error) for error in errors} <= {type(None), Conflict}
    assert Run.objects.get(pk=run.pk).status in (Status.FINISHED, Status.FAILED)


@pytest.mark.django_db(transaction=True)
def test_a_parameter_set_to_two_values_at_once_has_one(run: Run, owner: User) -> None:
    def log(params: Mapping[str, str]) -> Callable[[], None]:
        return lambda: log_params(actor=owner, run=run, params=params)

    errors = together(log({"alpha": "1", "beta": "1"}), log({"beta": "2", "alpha": "2"}))
    assert [type(error) for error in errors if error] == [Conflict]
    assert dict(run.params.values_list("key", "value")) in ({"alpha": "1", "beta": "1"}, {"alpha": "2", "beta": "2"})


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_parameters_in_another_order_do_not_block_each_other(run: Run, owner: User) -> None:
    def log(*keys: str) -> Callable[[], None]:
        return partial(log_params, actor=owner, run=run, params=dict.fromkeys(keys, "1"))

    behind(log("alpha"), log("beta", "alpha"), log("beta"))
    assert run.params.count() == 2


@pytest.mark.django_db(transaction=True)
def test_an_id_opened_by_two_at_once_is_one_run(owner: User, experiment: Experiment) -> None:
    opened = [lambda: open_run(actor=owner, experiment=experiment, name="atlanta", tags={"a": "b"}, run_id=RUN_ID)] * 4
    errors = together(*opened)
    assert errors == [None] * 4
    assert Run.objects.count() == 1
