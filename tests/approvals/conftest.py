"""A question that the owner asks the leads of their team."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import Membership, Team, User
from apps.approvals.actions import open_approval
from apps.approvals.models import Approval
from tests.factories import UserFactory, put_into

DIGEST = "a" * 64
Ask = Callable[..., Approval]


@pytest.fixture
def second_approver(team: Team) -> User:
    return put_into(team, UserFactory.create(username="second"), Membership.Role.LEAD)


@pytest.fixture
def ask(owner: User, team: Team, approver: User) -> Ask:
    """`ask(needed=2)` opens an approval of the owner's."""

    def opened(**changes: Any) -> Approval:
        question: dict[str, Any] = {
            "title": "Promote 12 cities",
            "digest": DIGEST,
            "team": team,
            "needed": 1,
            "excluded": [],
        }
        return open_approval(actor=owner, **{**question, **changes})

    return opened


@pytest.fixture
def approval(ask: Ask) -> Approval:
    return ask()
