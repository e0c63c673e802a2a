"""Four eyes in the database: plain SQL does not get round them."""

from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from apps.accounts.models import User
from apps.approvals.actions import close, vote
from apps.approvals.models import Approval
from tests.approvals.conftest import DIGEST, Ask
from tests.threads import behind

pytestmark = pytest.mark.django_db
INSERT_VOTE = "INSERT INTO approvals_vote (approval_id, user_id, verdict, reason) VALUES (%s, %s, %s, %s)"


def execute(sql: str, *values: int | str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_nothing_is_approved_without_enough_votes(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(needed=2)
    vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")
    with pytest.raises(IntegrityError, match="Not enough people have said yes"):
        execute("UPDATE approvals_approval SET status = 'approved', closed_at = now() WHERE id = %s", approval.pk)


def test_an_author_does_not_vote_by_sql(approval: Approval, owner: User) -> None:
    with pytest.raises(IntegrityError, match="An author does not vote"):
        execute(INSERT_VOTE, approval.pk, owner.pk, "yes", "")


def test_a_vote_stays_as_it_was_given(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(needed=2)
    vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")
    for change in ("UPDATE approvals_vote SET verdict = 'no', reason = 'x'", "DELETE FROM approvals_vote"):
        with pytest.raises(IntegrityError, match="A vote is final"):
            execute(change)


def test_a_closed_question_takes_no_vote_and_no_other_end(approval: Approval, owner: User, approver: User) -> None:
    close(actor=owner, approval=approval, status="withdrawn")
    with pytest.raises(IntegrityError, match="closed"):
        execute(INSERT_VOTE, approval.pk, approver.pk, "yes", "")
    with pytest.raises(IntegrityError, match="closed"):
        execute("UPDATE approvals_approval SET status = 'open', closed_at = NULL")


@pytest.mark.parametrize("change", [f"digest = '{'b' * 64}'", "needed = 5", "opened_by_id = opened_by_id + 1"])
def test_what_was_asked_does_not_change(approval: Approval, change: str) -> None:
    with pytest.raises(IntegrityError, match="What was asked does not change"):
        execute(f"UPDATE approvals_approval SET {change}")


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        (("no", ""), "a_no_has_a_reason"),
        (("may", "x"), "a_vote_is_yes_or_no"),
    ],
)
def test_a_vote_without_meaning_is_not_stored(
    approval: Approval, approver: User, values: tuple[str, str], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        execute(INSERT_VOTE, approval.pk, approver.pk, *values)


def test_one_person_has_one_vote_in_the_database_too(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(needed=2)
    execute(INSERT_VOTE, approval.pk, approver.pk, "yes", "")
    with pytest.raises(IntegrityError, match="one_vote_per_person"):
        execute(INSERT_VOTE, approval.pk, approver.pk, "yes", "")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'withdrawn'", "an_approval_is_open_or_has_an_end"),
        ("closed_at = now()", "an_approval_is_open_or_has_an_end"),
        ("expires_at = opened_at", "an_approval_expires_after_opening"),
    ],
)
def test_a_question_is_open_or_has_an_end(approval: Approval, change: str, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        execute(f"UPDATE approvals_approval SET {change}")


@pytest.mark.django_db(transaction=True)
def test_a_vote_by_sql_waits_for_an_end_that_is_being_set(approval: Approval, owner: User, approver: User) -> None:
    late = partial(execute, INSERT_VOTE, approval.pk, approver.pk, "yes", "")
    with pytest.raises(IntegrityError, match="closed"):
        behind(partial(close, actor=owner, approval=approval, status="withdrawn"), late)
    assert not approval.votes.exists()
