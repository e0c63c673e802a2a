"""Verbs of approvals: ask, vote, close."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.queries import leads_of
from apps.approvals.events import Event
from apps.approvals.models import Approval, Vote
from apps.approvals.queries import has_voted, is_overdue, votes_of
from apps.approvals.rules import is_author
from apps.audit.actions import record
from apps.core.errors import Conflict, Denied, Invalid
from apps.core.permissions import require
from apps.core.transitions import move

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


@transaction.atomic
def open_approval(
    *,
    actor: User,
    title: str,
    digest: str,
    team: Team | None,
    needed: int,
    excluded: Iterable[User],
    approvers: Iterable[User] = (),
    days: int = 7,
) -> Approval:
    """Asks the team's leads (if any), and the approvers besides them; `digest` (hex sha256) names what is approved.

    Raises Conflict if fewer people than needed could ever say yes, Invalid for a number that makes no sense.
    """
    require(actor, "approvals.open")
    authors, approvers = {actor, *excluded}, set(approvers)
    _check_question(team, authors, approvers, needed, days)
    approval = _create(actor, title, digest, team, needed, days)
    approval.excluded.set(authors)
    approval.approvers.set(approvers)
    record(actor=actor, action=Event.OPENED, target=approval, after={"needed": needed, "digest": digest})
    return approval


def _check_question(team: Team | None, authors: set[User], approvers: set[User], needed: int, days: int) -> None:
    if needed < 1 or days < 1:
        raise Invalid("An approval needs at least one person and lasts at least one day.")
    leads = leads_of(team) if team else ()
    voters = {user for user in {*leads, *approvers} - authors if user.is_active}
    if len(voters) < needed:
        raise Conflict(
            f"This needs {needed} to approve, and {len(voters)} could{f' for {team}' if team else ''}: its authors "
            f"may not, and behind a service account stands its whole team. Name another "
            f"{'lead of the team, or an approver from outside' if team else 'approver'}, or ask a platform admin to."
        )


def _create(actor: User, title: str, digest: str, team: Team | None, needed: int, days: int) -> Approval:
    approval = Approval.objects.create(
        title=title,
        digest=digest,
        team=team,
        needed=needed,
        opened_by=actor,
        expires_at=Now() + timedelta(days=days),
    )
    approval.refresh_from_db()
    return approval


@transaction.atomic
def vote(*, actor: User, approval: Approval, digest: str, verdict: str, reason: str = "") -> Approval:
    """One person's yes or no to exactly what `digest` names; the first no closes, and so does the last yes needed.

    Raises Denied for authors and people who are not asked, Invalid for a no without a reason, Conflict for a changed
    subject, a second vote, and a question that is closed or too old.
    """
    if is_author(actor, approval):
        raise Denied(
            "You proposed this, or had a part in it, yourself or by your team's service account: somebody else must "
            "approve it."
        )
    require(actor, "approvals.vote", approval)
    approval = Approval.objects.select_for_update(of=["self"]).select_related("team").get(pk=approval.pk)
    _check_vote(actor, approval, digest, verdict, reason)
    Vote.objects.create(approval=approval, user=actor, verdict=verdict, reason=reason.strip())
    approval = _close_if_decided(approval, verdict)
    said = Event.SAID_YES if verdict == Vote.Verdict.YES else Event.SAID_NO
    record(actor=actor, action=said, target=approval, after={"status": approval.status}, note=reason.strip())
    return approval


def _check_vote(actor: User, approval: Approval, digest: str, verdict: str, reason: str) -> None:
    if has_voted(actor, approval):
        raise Conflict("You have answered this already; an answer can not be changed.")
    if approval.status != Approval.Status.OPEN:
        raise Conflict(f"This is {approval.status} already; there is nothing left to answer.")
    if is_overdue(approval):
        raise Conflict("The time to answer this is over; ask its author to propose it again.")
    if digest != approval.digest:
        raise Conflict("What you approve has changed since you looked. Reload the page and look again.")
    _check_words(verdict, reason)


def _check_words(verdict: str, reason: str) -> None:
    if verdict not in Vote.Verdict.values:
        raise Invalid("Answer 'yes' or 'no'.", field="verdict")
    if verdict == Vote.Verdict.NO and not reason.strip():
        raise Invalid("Say why not, so that its author knows what to change.", field="reason")


def _close_if_decided(approval: Approval, verdict: str) -> Approval:
    if verdict == Vote.Verdict.NO:
        return move(approval, Approval.Status.REJECTED, closed_at=Now())
    if votes_of(approval).filter(verdict=Vote.Verdict.YES).count() < approval.needed:
        return approval
    return move(approval, Approval.Status.APPROVED, closed_at=Now())


@transaction.atomic
def close(*, actor: User, approval: Approval, status: str) -> Approval:
    """Ends an open question without an answer: WITHDRAWN at any time, EXPIRED when its time is over.

    Raises Conflict if it is closed already or not yet too old.
    """
    require(actor, "approvals.close", approval)
    if status not in ENDINGS:
        raise Invalid("A question is answered by votes; it can only be withdrawn or expire.", field="status")
    if status == Approval.Status.EXPIRED and not is_overdue(approval):
        raise Conflict(f"{approval} can still be answered; withdraw it instead.")
    approval = move(approval, status, closed_at=Now())
    record(actor=actor, action=ENDINGS[status], target=approval)
    return approval


ENDINGS = {Approval.Status.WITHDRAWN.value: Event.WITHDRAWN, Approval.Status.EXPIRED.value: Event.EXPIRED}
