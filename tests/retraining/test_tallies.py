"""Counts by status are kept by the database: right after every move, whoever moves how many runs at once."""

import random
from collections.abc import Callable

import pytest
from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.core.errors import PortalError
from apps.platforms.base import End, Outcome
from apps.registry.actions import SegmentSpec, add_segments
from apps.registry.models import ModelFamily
from apps.retraining import actions, queries
from apps.retraining.models import Pipeline, RetrainingRequest, SegmentRun, Tally
from tests.retraining.conftest import Submit, claim_of, end_pauses, failure, lose_lease, run_of
from tests.tallies import assert_counts_are_true
from tests.threads import behind, together

pytestmark = pytest.mark.django_db(transaction=True)
WALKERS, STEPS = 4, 25
NO_DATA = Outcome(End.NO_DATA, "", "Too few rows.", 0.0, {}, "")


class Walker:
    """Somebody who does whatever comes to mind with the requests there are, and takes every refusal."""

    def __init__(self, owner: User, chance: random.Random) -> None:
        self._owner, self._chance = owner, chance
        self._claims: list[actions.Claim] = []

    def walk(self) -> None:
        verbs = [self._drive, self._claim, self._claim, self._claim, self._finish, self._finish]
        verbs += [self._retry, self._cancel_one, self._cancel, self._lose, self._hold]
        for _ in range(STEPS):
            try:
                self._chance.choice(verbs)(self._request())
            except PortalError:
                continue

    def _request(self) -> RetrainingRequest:
        return self._chance.choice(list(RetrainingRequest.objects.select_related("pipeline", "family__team")))

    def _drive(self, request: RetrainingRequest) -> None:
        end_pauses()
        actions.drive(request_id=request.pk)

    def _claim(self, request: RetrainingRequest) -> None:
        actions.drive(request_id=request.pk)
        run_id = self._chance.choice(list(request.runs.values_list("pk", flat=True)))
        claim = actions.claim(run_id=run_id, worker="work@walker")
        self._claims += [claim] if claim else []

    def _finish(self, request: RetrainingRequest) -> None:
        outcome = self._chance.choice([NO_DATA, failure("exit"), failure("signal")])
        if self._claims:
            actions.finish(claim=self._claims.pop(), outcome=outcome)

    def _retry(self, request: RetrainingRequest) -> None:
        actions.retry_failed(actor=self._owner, request=request)

    def _cancel(self, request: RetrainingRequest) -> None:
        actions.cancel_request(actor=self._owner, request=request)

    def _cancel_one(self, request: RetrainingRequest) -> None:
        actions.cancel_runs(actor=self._owner, request=request, segments=["city-1"])

    def _hold(self, request: RetrainingRequest) -> None:
        verb = self._chance.choice([actions.resume_request, self._say_stop])
        verb(actor=self._owner, request=request)

    def _say_stop(self, *, actor: User, request: RetrainingRequest) -> None:
        actions.hold_request(actor=actor, request=request, reason="Wait.")

    def _lose(self, request: RetrainingRequest) -> None:
        lose_lease()
        actions.drive(request_id=request.pk)


@pytest.fixture
def walkers(owner: User) -> Callable[[], list[Walker]]:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    return lambda: [Walker(owner, random.Random(seed + number)) for number in range(WALKERS)]


def test_the_counts_are_true_whatever_several_do_at_once(
    submit: Submit, walkers: Callable[[], list[Walker]], pipeline: Pipeline, family: ModelFamily, admin: User
) -> None:
    add_segments(actor=admin, family=family, segments=[SegmentSpec(f"city-{n}", f"City {n}") for n in range(12)])
    for _ in range(2):
        submit()
    together(*[walker.walk for walker in walkers()])
    assert_counts_are_true()
    assert sum(queries.progress(request).total for request in RetrainingRequest.objects.all()) == 30


def test_whoever_ends_a_run_waits_for_nobody_who_ends_another(submit: Submit) -> None:
    """Each transaction adds to a share of its own."""
    request = submit("atlanta", "boston")
    atlanta, boston = claim_of(request, "atlanta"), claim_of(request, "boston")
    with transaction.atomic():
        actions.finish(claim=atlanta, outcome=NO_DATA)
        assert together(lambda: actions.finish(claim=boston, outcome=NO_DATA)) == [None]
    assert queries.progress(request) == queries.Progress(no_data=2)
    assert_counts_are_true()


def test_what_is_taken_back_is_not_counted(submit: Submit) -> None:
    request = submit("atlanta", "boston")
    with transaction.atomic():
        request.runs.update(status="cancelled", finished_at=Now())
        assert queries.progress(request) == queries.Progress(cancelled=2)
        transaction.set_rollback(True)
    assert queries.progress(request) == queries.Progress(waiting=2)


def test_a_move_that_waited_for_another_counts_from_what_that_one_left(submit: Submit) -> None:
    request = submit("atlanta")
    run = SegmentRun.objects.filter(pk=run_of(request).pk)
    behind(
        lambda: run.update(status="cancelled", finished_at=Now()),
        lambda: run.filter(status="waiting").update(status="sent"),
    )
    assert queries.progress(request) == queries.Progress(cancelled=1)
    assert_counts_are_true()


def test_runs_and_requests_that_are_deleted_leave_no_counts(submit: Submit) -> None:
    request, other = submit("atlanta", "boston"), submit("chicago")
    run_of(request).delete()
    assert queries.progress(request) == queries.Progress(waiting=1)
    request.delete()
    assert set(Tally.objects.values_list("request", flat=True)) == {other.pk}
    assert_counts_are_true()
