"""Asking, voting, closing: who may, who may not, and what two at once do."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals.actions import close, vote
from apps.approvals.models import Approval, Vote
from apps.approvals.queries import votes_of
from apps.audit.queries import timeline
from apps.core.context import Credential, Door, present, through
from apps.core.errors import Conflict, Denied, Invalid, PortalError
from tests.approvals.conftest import DIGEST, Ask
from tests.factories import UserFactory
from tests.threads import together

pytestmark = pytest.mark.django_db
Status = Approval.Status


def said(approval: Approval) -> list[str]:
    """The audit's sentences, the oldest first."""
    return [str(event) for event in reversed(timeline(approval))]


def make_overdue(approval: Approval) -> None:
    start = timezone.now() - timedelta(days=8)
    Approval.objects.filter(pk=approval.pk).update(opened_at=start, expires_at=start + timedelta(days=7))


def test_one_yes_of_a_lead_is_enough_where_one_is_needed(approval: Approval, approver: User) -> None:
    approved = vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes", reason="beats it everywhere")
    assert approved.status == Status.APPROVED
    assert approved.closed_at is not None
    assert said(approval) == ["Owner asked for approval of Promote 12 cities", "Approver said yes to Promote 12 cities"]
    assert timeline(approval)[0].note == "beats it everywhere"


def test_two_are_asked_where_two_are_needed(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(needed=2)
    assert vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes").status == Status.OPEN
    assert vote(actor=second_approver, approval=approval, digest=DIGEST, verdict="yes").status == Status.APPROVED


def test_the_first_no_closes(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(needed=2)
    assert vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes").status == Status.OPEN
    refused = vote(actor=second_approver, approval=approval, digest=DIGEST, verdict="no", reason="Berlin is worse")
    assert refused.status == Status.REJECTED
    assert said(approval)[-1] == "Second said no to Promote 12 cities"
    assert [(str(one.user), one.verdict, one.reason) for one in votes_of(approval)] == [
        ("Approver", "yes", ""),
        ("Second", "no", "Berlin is worse"),
    ]


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_no_says_why(approval: Approval, approver: User, reason: str) -> None:
    with pytest.raises(Invalid, match="Say why not") as refused:
        vote(actor=approver, approval=approval, digest=DIGEST, verdict="no", reason=reason)
    assert refused.value.field == "reason"
    assert not votes_of(approval).exists()


def test_an_answer_is_yes_or_no(approval: Approval, approver: User) -> None:
    with pytest.raises(Invalid, match="'yes' or 'no'"):
        vote(actor=approver, approval=approval, digest=DIGEST, verdict="maybe")


def test_who_asked_does_not_answer_even_as_a_named_approver(ask: Ask, owner: User) -> None:
    approval = ask(approvers=[owner])
    with pytest.raises(Denied, match=r"You proposed this.*somebody else must approve it"):
        vote(actor=owner, approval=approval, digest=DIGEST, verdict="yes")


def test_an_author_who_leads_the_team_does_not_answer(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(excluded=[approver])
    with pytest.raises(Denied, match="You proposed this"):
        vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")
    assert vote(actor=second_approver, approval=approval, digest=DIGEST, verdict="yes").status == Status.APPROVED


@pytest.mark.parametrize("who", ["colleague", "stranger", "operator", "admin"])
def test_people_who_are_not_asked_do_not_answer(approval: Approval, who: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(Denied, match="ask one of its leads"):
        vote(actor=request.getfixturevalue(who), approval=approval, digest=DIGEST, verdict="yes")
    assert not votes_of(approval).exists()


def test_a_named_approver_answers_besides_the_leads(ask: Ask, stranger: User) -> None:
    approval = ask(approvers=[stranger])
    assert vote(actor=stranger, approval=approval, digest=DIGEST, verdict="yes").status == Status.APPROVED


def test_an_account_that_is_switched_off_does_not_answer(approval: Approval, approver: User) -> None:
    approver.is_active = False
    with pytest.raises(Denied, match="switched off"):
        vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")


def test_nobody_approves_what_they_have_not_seen(approval: Approval, approver: User) -> None:
    with pytest.raises(Conflict, match="has changed since you looked"):
        vote(actor=approver, approval=approval, digest="b" * 64, verdict="yes")
    assert Approval.objects.get(pk=approval.pk).status == Status.OPEN


def test_nobody_answers_twice(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(needed=2)
    vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")
    with pytest.raises(Conflict, match="answered this already"):
        vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")
    assert Approval.objects.get(pk=approval.pk).status == Status.OPEN


def test_a_closed_question_takes_no_answer(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask()
    vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")
    with pytest.raises(Conflict, match="approved already"):
        vote(actor=second_approver, approval=approval, digest=DIGEST, verdict="no", reason="too late")


def test_an_old_question_takes_no_answer(approval: Approval, approver: User) -> None:
    make_overdue(approval)
    with pytest.raises(Conflict, match="time to answer this is over"):
        vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")


def test_a_question_stays_open_for_a_week(approval: Approval) -> None:
    assert approval.expires_at - approval.opened_at == timedelta(days=7)


def test_a_question_that_nobody_could_answer_is_not_asked(ask: Ask, approver: User) -> None:
    with pytest.raises(Conflict, match="needs 1 to approve, and 0 could for Rides ETA"):
        ask(excluded=[approver])
    with pytest.raises(Conflict, match="needs 2 to approve, and 1 could"):
        ask(needed=2)
    assert not Approval.objects.exists()


def test_who_is_switched_off_does_not_count_among_those_who_could_answer(ask: Ask) -> None:
    with pytest.raises(Conflict, match="needs 2"):
        ask(needed=2, approvers=[UserFactory.create(is_active=False)])


@pytest.mark.parametrize("numbers", [{"needed": 0}, {"days": 0}])
def test_a_question_without_voters_or_time_is_refused(ask: Ask, numbers: dict[str, int]) -> None:
    with pytest.raises(Invalid, match="at least one person and lasts at least one day"):
        ask(**numbers)


def test_an_account_that_is_switched_off_does_not_ask(ask: Ask, owner: User) -> None:
    owner.is_active = False
    with pytest.raises(Denied, match="switched off"):
        ask()


def test_its_author_withdraws_a_question(approval: Approval, owner: User, approver: User) -> None:
    assert close(actor=owner, approval=approval, status=Status.WITHDRAWN).status == Status.WITHDRAWN
    assert said(approval)[-1] == "Owner withdrew the question Promote 12 cities"
    with pytest.raises(Conflict, match="withdrawn already"):
        vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")


@pytest.mark.parametrize("who", ["colleague", "stranger", "operator", "admin"])
def test_others_do_not_withdraw_it(approval: Approval, who: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(Denied, match="Only its authors and approvers"):
        close(actor=request.getfixturevalue(who), approval=approval, status=Status.WITHDRAWN)
    assert Approval.objects.get(pk=approval.pk).status == Status.OPEN


def test_a_question_expires_only_when_its_time_is_over(approval: Approval, owner: User) -> None:
    with pytest.raises(Conflict, match="can still be answered"):
        close(actor=owner, approval=approval, status=Status.EXPIRED)
    make_overdue(approval)
    assert close(actor=owner, approval=approval, status=Status.EXPIRED).status == Status.EXPIRED
    assert said(approval)[-1] == "Owner let Promote 12 cities expire unanswered"


@pytest.mark.parametrize("status", ["approved", "rejected", "open", "nonsense"])
def test_closing_is_no_way_round_the_votes(approval: Approval, owner: User, status: str) -> None:
    with pytest.raises(Invalid, match="answered by votes"):
        close(actor=owner, approval=approval, status=status)
    assert Approval.objects.get(pk=approval.pk).status == Status.OPEN


def test_a_token_of_another_scope_votes_only_through_an_action_that_asked_for_its_own(
    approval: Approval, approver: User
) -> None:
    with through(Door.API):
        present(Credential(name="phone", scopes=frozenset({"registry:approve"})))
        approved = vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")
    assert (approved.status, timeline(approval)[0].credential) == (Status.APPROVED, "phone")


@pytest.mark.django_db(transaction=True)
def test_a_double_click_is_one_vote(ask: Ask, approver: User, second_approver: User) -> None:
    approval = ask(needed=2)
    errors = together(*[lambda: vote(actor=approver, approval=approval, digest=DIGEST, verdict="yes")] * 4)
    assert [type(error) for error in errors if error] == [Conflict] * 3
    assert votes_of(approval).count() == 1
    assert Approval.objects.get(pk=approval.pk).status == Status.OPEN


@pytest.mark.django_db(transaction=True)
def test_two_leads_at_the_same_moment_are_both_counted(ask: Ask, approver: User, second_approver: User) -> None:
    for _ in range(5):
        approval = ask(needed=2)
        assert _both(approval, approver, second_approver, "yes") == [None, None]
        assert Approval.objects.get(pk=approval.pk).status == Status.APPROVED
        assert timeline(approval).count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_yes_and_a_no_at_the_same_moment_have_one_outcome(ask: Ask, approver: User, second_approver: User) -> None:
    for _ in range(5):
        approval = ask(needed=1)
        errors = _both(approval, approver, second_approver, "no")
        assert [type(error) for error in errors if error] == [Conflict]
        kept = votes_of(approval).get()
        outcome = {Vote.Verdict.YES: Status.APPROVED, Vote.Verdict.NO: Status.REJECTED}[Vote.Verdict(kept.verdict)]
        assert Approval.objects.get(pk=approval.pk).status == outcome


@pytest.mark.django_db(transaction=True)
def test_a_vote_and_a_withdrawal_at_the_same_moment_have_one_outcome(ask: Ask, owner: User, approver: User) -> None:
    for _ in range(5):
        approval = ask()
        errors = together(
            partial(vote, actor=approver, approval=approval, digest=DIGEST, verdict="yes"),
            partial(close, actor=owner, approval=approval, status=Status.WITHDRAWN),
        )
        assert [type(error) for error in errors if error] == [Conflict]
        approved = Approval.objects.get(pk=approval.pk).status == Status.APPROVED
        assert votes_of(approval).exists() is approved


def _both(approval: Approval, first: User, second: User, verdict: str) -> list[PortalError | None]:
    """The first says yes while the second says `verdict`."""
    return together(
        lambda: vote(actor=first, approval=approval, digest=DIGEST, verdict="yes"),
        lambda: vote(actor=second, approval=approval, digest=DIGEST, verdict=verdict, reason="Berlin is worse"),
    )
