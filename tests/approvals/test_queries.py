"""What waits for whom."""

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.approvals.actions import vote
from apps.approvals.models import Approval
from apps.approvals.queries import may_vote, waiting_for
from tests.approvals.conftest import DIGEST, Ask
from tests.approvals.test_actions import make_overdue
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_question_waits_for_leads_and_named_approvers_and_for_nobody_else(
    ask: Ask, owner: User, colleague: User, stranger: User, approver: User, operator: User
) -> None:
    approval = ask(approvers=[stranger])
    for person in (approver, stranger):
        assert list(waiting_for(person)) == [approval]
        assert may_vote(person, approval)
    for person in (owner, colleague, operator):
        assert not waiting_for(person)
        assert not may_vote(person, approval)


def test_it_waits_once_for_a_lead_who_is_also_named(ask: Ask, approver: User) -> None:
    approval = ask(approvers=[approver, UserFactory.create()])
    assert list(waiting_for(approver)) == [approval]


def test_it_does_not_wait_for_its_authors(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(excluded=[approver])
    assert not waiting_for(approver)
    assert not may_vote(approver, approval)
    assert list(waiting_for(second_approver)) == [approval]


def test_it_does_not_wait_for_those_who_have_answered(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(needed=2)
    approval = vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")
    assert not waiting_for(approver)
    assert not may_vote(approver, approval)
    assert list(waiting_for(second_approver)) == [approval]


def test_a_closed_question_waits_for_nobody(ask: Ask, approver: User, second_approver: User) -> None:
    approval = vote(actor=approver, approval=ask(), digest=DIGEST, verdict="yes")
    assert not waiting_for(second_approver)
    assert not may_vote(second_approver, approval)


def test_an_old_question_waits_for_nobody(approval: Approval, approver: User) -> None:
    make_overdue(approval)
    assert not waiting_for(approver)
    assert not may_vote(approver, approval)


def test_the_most_urgent_question_comes_first(ask: Ask, approver: User) -> None:
    later, sooner = ask(days=9), ask(days=2)
    assert list(waiting_for(approver)) == [sooner, later]


def test_what_waits_is_found_by_one_question_to_the_database(
    ask: Ask, approver: User, django_assert_num_queries: Callable[..., object]
) -> None:
    for _ in range(5):
        ask()
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert [f"{one.team} {one.opened_by}" for one in waiting_for(approver)] == ["Rides ETA Owner"] * 5
