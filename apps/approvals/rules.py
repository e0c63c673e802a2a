"""Who may vote and who may close. Approvals have no doors: the action that calls in has asked for a token's scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from apps.accounts.rules import is_active, leads
from apps.core.permissions import grant

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Approval


@rules.predicate
def is_author(user: User, approval: Approval) -> bool:
    """Four eyes: authors never vote on their own."""
    return approval.opened_by_id == user.pk or approval.excluded.filter(pk=user.pk).exists()


@rules.predicate
def is_approver(user: User, approval: Approval) -> bool:
    return leads(user, approval.team_id) or approval.approvers.filter(pk=user.pk).exists()


grant("approvals.open", is_active, scope=None, refusal="Only an active account can ask for an approval.")
grant(
    "approvals.vote",
    is_approver & ~is_author,
    scope=None,
    refusal="You do not approve for this team; ask one of its leads.",
)
grant(
    "approvals.close",
    is_author | is_approver,
    scope=None,
    refusal="Only its authors and approvers can close this; ask one of them.",
)
