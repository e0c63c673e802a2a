"""Questions to the board: what is asked is bound to a digest of its words, and whoever asked never answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from django.conf import settings

from apps.accounts.queries import board
from apps.approvals.actions import close, open_approval, vote
from apps.core.errors import Conflict

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Approval
    from apps.catalog.models import Decision, RingMove

MOVE_WORDS = (
    *("tool_id", "from_ring", "to_ring", "owner_id", "team_id", "support", "when_to_use", "when_not"),
    *("getting_started", "instead_id", "next_review", "decision_id"),
)
DECISION_WORDS = (
    *("number", "kind", "title", "capability_id", "sourcing", "context", "drivers", "outcome", "consequences"),
    *("confirmation", "criteria", "revisit_on", "trigger", "trigger_kind", "trigger_tool_id", "trigger_gap_id"),
    *("trigger_limit", "team_id", "tool_id", "expires_on", "renews_id", "moves_from_id", "move_by"),
)
OPTION_WORDS = ("label", "tool_id", "chosen", "why", "sourcing", "scores", "costs")
DAYS_OPEN = 365
"""A question to the board stays; the inbox reminds of it."""


def digest_of(words: Mapping[str, object]) -> str:
    """Hex sha256 of what is decided; values are compared as text."""
    return hashlib.sha256(json.dumps(words, sort_keys=True, default=str).encode()).hexdigest()


def digest_of_move(move: RingMove) -> str:
    """Names exactly what the board says yes to: the rings, and what we would then say."""
    return digest_of({name: getattr(move, name) for name in MOVE_WORDS})


def digest_of_decision(decision: Decision) -> str:
    """Names exactly what the board says yes to: its words and its options."""
    words = {name: getattr(decision, name) for name in DECISION_WORDS}
    return digest_of(words | {"options": list(decision.options.order_by("id").values(*OPTION_WORDS))})


def ask_board(*, actor: User, title: str, digest: str, authors: Iterable[User] = ()) -> Approval:
    """Raises Conflict when too few members of the board could say yes."""
    authors = {actor, *authors}
    others = [member for member in board() if member not in authors]
    needed = settings.CATALOG_VOTES
    if len(others) < needed:
        raise Conflict(
            f"This needs {needed} of the board to say yes, and {len(others)} could: whoever wrote it may not. "
            "Ask a platform admin to name another member of the board."
        )
    return open_approval(
        actor=actor, title=title[:200], digest=digest, team=None, needed=needed, excluded=authors, approvers=others,
        days=DAYS_OPEN,
    )  # fmt: skip


def say_yes(*, actor: User, approval: Approval, digest: str, note: str) -> bool:
    """True when this was the last yes that is needed."""
    approval = vote(actor=actor, approval=approval, digest=digest, verdict="yes", reason=note)
    return approval.status == approval.Status.APPROVED


def say_no(*, actor: User, approval: Approval, digest: str, reason: str) -> None:
    vote(actor=actor, approval=approval, digest=digest, verdict="no", reason=reason)


def take_back(*, actor: User, approval: Approval | None) -> None:
    """Closes a question that nobody needs to answer any more."""
    if approval is not None and approval.status == approval.Status.OPEN:
        close(actor=actor, approval=approval, status=approval.Status.WITHDRAWN)
