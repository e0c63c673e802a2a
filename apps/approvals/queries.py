"""Reads of approvals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from apps.accounts.queries import leads_of
from apps.approvals.models import Approval, Vote
from apps.core.permissions import allowed

if TYPE_CHECKING:
    from apps.accounts.models import User

QUICK = timedelta(seconds=30)
LOOKED_AT = 200


def waiting_for(user: User) -> QuerySet[Approval]:
    """Open questions that this person may answer and has not answered yet, the most urgent first."""
    open_now = Approval.objects.filter(status=Approval.Status.OPEN, expires_at__gt=Now())
    asked = open_now.filter(Q(team__in=_led_by(user)) | _among(Approval.approvers.through, user))
    others = asked.exclude(opened_by=user).filter(~_among(Approval.excluded.through, user))
    unanswered = others.filter(~_among(Vote, user))
    return unanswered.select_related("team", "opened_by").order_by("expires_at", "id")


def asked(approval: Approval) -> list[User]:
    """Who may still answer an open question, by name: leads and named approvers, but no author and no who did."""
    if approval.status != Approval.Status.OPEN:
        return []
    leads = leads_of(approval.team) if approval.team else ()
    people = {person.pk: person for person in (*leads, *approval.approvers.filter(is_active=True))}
    out = {
        approval.opened_by_id,
        *approval.excluded.values_list("pk", flat=True),
        *votes_of(approval).values_list("user", flat=True),
    }
    return sorted((person for pk, person in people.items() if pk not in out and not person.is_service), key=str)


def may_vote(user: User, approval: Approval) -> bool:
    """True if a vote of this person would be taken now."""
    open_now = approval.status == Approval.Status.OPEN and not is_overdue(approval)
    return open_now and allowed(user, "approvals.vote", approval) and not has_voted(user, approval)


def has_voted(user: User, approval: Approval) -> bool:
    return votes_of(approval).filter(user=user).exists()


def is_overdue(approval: Approval) -> bool:
    """True if its time is over, by the database's clock."""
    return Approval.objects.filter(pk=approval.pk, expires_at__lte=Now()).exists()


def votes_of(approval: Approval) -> QuerySet[Vote]:
    """Who said what, in the order in which it was said."""
    return Vote.objects.filter(approval=approval).select_related("user").order_by("id")


@dataclass(frozen=True)
class Habits:
    """How people answered: how many yes came before anybody could have looked, and how many since the last no."""

    votes: int
    quick: int
    yes_in_a_row: int


def habits(approvals: Iterable[Any]) -> Habits:
    """Of the newest LOOKED_AT answers to these questions (ids, or a queryset of them)."""
    votes = Vote.objects.filter(approval__in=approvals).order_by("-id")
    found = list(votes.values_list("verdict", "at", "approval__opened_at")[:LOOKED_AT])
    quick = sum(verdict == Vote.Verdict.YES and at - opened < QUICK for verdict, at, opened in found)
    return Habits(len(found), quick, len(list(takewhile(lambda vote: vote[0] == Vote.Verdict.YES, found))))


def _led_by(user: User) -> QuerySet[Any]:
    return user.memberships.filter(role="lead").values("team")


def _among(people: type[Model], user: User) -> Exists:
    """True for an approval that has the person in this table of (approval, user)."""
    return Exists(people._default_manager.filter(approval=OuterRef("pk"), user=user))
