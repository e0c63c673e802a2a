"""Who must say yes to a request: whom it waits for, who would be asked, and whom the answer concerns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.accounts.queries import leads_of, people_behind
from apps.approvals import queries as approvals
from apps.core.permissions import allowed
from apps.retraining.models import Pipeline, RequestQuerySet, RetrainingRequest
from apps.retraining.queries.requests import requests

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily


def waiting_for(user: User, questions: Sequence[int] | None = None) -> RequestQuerySet:
    """Requests that this person may approve and has not answered, the most urgent first.

    `questions`: the open ones to this person, where they are known already.
    """
    asked = approvals.waiting_for(user) if questions is None else questions
    waiting = requests(user).waiting_for_approval().filter(approval__in=asked)
    return waiting.order_by("approval__expires_at", "id")


def may_answer(user: User, request: RetrainingRequest) -> bool:
    """True if a yes or no of this person would be taken now."""
    approval = request.approval if request.waits else None
    return bool(approval and allowed(user, "retraining.approve", request) and approvals.may_vote(user, approval))


def asked_about(request_id: int) -> list[User]:
    """Who can still answer it, by name; nobody once it is decided."""
    waiting = RetrainingRequest.objects.waiting_for_approval().select_related("approval__team")
    found = waiting.filter(pk=request_id).first()
    return approvals.asked(found.approval) if found and found.approval else []


def requester_of(request_id: int) -> list[User]:
    found = RetrainingRequest.objects.select_related("requester").filter(pk=request_id).first()
    return [found.requester] if found else []


def would_be_asked(*, pipeline: Pipeline, family: ModelFamily, requester: User, segments: int) -> list[User] | None:
    """Whose yes a request for so many segments would wait for, by name; None if for nobody's."""
    if not pipeline.asks_for_approval(segments):
        return None
    people = {one.pk: one for one in (*leads_of(family.team), *family.approvers.filter(is_active=True))}
    behind = {one.pk for one in people_behind(requester)}
    return sorted((one for pk, one in people.items() if pk not in behind and not one.is_service), key=str)
