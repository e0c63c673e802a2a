"""A request that somebody else must approve first: asked for, answered, withdrawn, or expired unanswered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.queries import leads_of
from apps.approvals.actions import close, vote
from apps.audit.actions import record
from apps.core.errors import Conflict
from apps.core.permissions import require
from apps.core.transitions import move
from apps.retraining.actions.requests import DAYS_OPEN, begin
from apps.retraining.definitions import program, sha256_of
from apps.retraining.events import Event
from apps.retraining.freezing import choose_segments
from apps.retraining.models import RetrainingRequest
from apps.retraining.parameters import mistakes
from apps.retraining.rules import Use, may_request

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Approval

Status = RetrainingRequest.Status


@transaction.atomic
def approve_request(*, actor: User, request: RetrainingRequest, digest: str, note: str = "") -> RetrainingRequest:
    """A yes to exactly the plan that `digest` names; then its runs are sent.

    Raises Denied for who sent it and for people who are not asked, Conflict for another digest, a request that is
    decided already, and a plan that can not be carried out any more (its script has changed, a segment is gone).
    """
    request = _locked(request)
    require(actor, "retraining.approve", request)
    vote(actor=actor, approval=_question(request), digest=digest, verdict="yes", reason=note)
    _refuse_stale(request)
    move(request, Status.SUBMITTED)
    record(actor=actor, action=Event.REQUEST_APPROVED, target=request, after={"digest": digest}, note=note)
    begin(request=request, segments=choose_segments(request.family, request.plan["segments"]))
    return request


@transaction.atomic
def reject_request(*, actor: User, request: RetrainingRequest, digest: str, reason: str) -> RetrainingRequest:
    """A no closes it. Raises Denied for who sent it, Invalid without a reason, Conflict when it is decided already."""
    request = _locked(request)
    require(actor, "retraining.approve", request)
    vote(actor=actor, approval=_question(request), digest=digest, verdict="no", reason=reason)
    _close(request, Status.REJECTED, reason.strip())
    record(actor=actor, action=Event.REQUEST_REJECTED, target=request, note=reason.strip())
    return request


@transaction.atomic
def withdraw_request(*, actor: User, request: RetrainingRequest, reason: str = "") -> RetrainingRequest:
    """Takes it back before anybody answered. Raises Conflict when it is decided already."""
    request = _locked(request)
    require(actor, "retraining.withdraw", request)
    approval = _question(request)
    close(actor=actor, approval=approval, status=approval.Status.WITHDRAWN)
    _close(request, Status.WITHDRAWN, reason.strip())
    record(actor=actor, action=Event.REQUEST_WITHDRAWN, target=request, note=reason.strip())
    return request


def expire_requests(*, limit: int = 100) -> int:
    """Closes what nobody answered in time, as who sent it; answers how many. Time needs no permission."""
    waiting = RetrainingRequest.objects.filter(status=Status.WAITING_FOR_APPROVAL, approval__expires_at__lte=Now())
    return sum(_expire(pk) for pk in list(waiting.order_by("id").values_list("pk", flat=True)[:limit]))


@transaction.atomic
def _expire(pk: int) -> bool:
    request = _locked(RetrainingRequest(pk=pk))
    actor = request.requester if request.requester.is_active else leads_of(request.family.team).first()
    if request.status != Status.WAITING_FOR_APPROVAL or request.approval is None or actor is None:
        return False
    close(actor=actor, approval=request.approval, status=request.approval.Status.EXPIRED)
    _close(request, Status.EXPIRED, f"Nobody answered within {DAYS_OPEN} days.")
    record(actor=actor, action=Event.REQUEST_EXPIRED, target=request, note=request.closed_because)
    return True


def _locked(request: RetrainingRequest) -> RetrainingRequest:
    rows = RetrainingRequest.objects.select_related("pipeline__team", "family__team", "requester", "approval__team")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=request.pk)


def _question(request: RetrainingRequest) -> Approval:
    if request.status != Status.WAITING_FOR_APPROVAL or request.approval is None:
        raise Conflict(f"Request #{request.pk} is {request.get_status_display().lower()} already: nothing to answer.")
    return request.approval


def _refuse_stale(request: RetrainingRequest) -> None:
    """What was approved is what runs, by who may still ask for it."""
    if not request.pipeline.is_active:
        raise Conflict(f"The pipeline {request.pipeline} was switched off meanwhile; nothing of it runs any more.")
    if "connection_id" in request.plan:
        _refuse_changed_workflow(request)
    else:
        _refuse_changed_script(request)
    if not may_request(request.requester, Use(request.pipeline, request.family)):
        raise Conflict(f"{request.requester} may not retrain {request.family} any more; somebody else has to ask.")


def _refuse_changed_workflow(request: RetrainingRequest) -> None:
    """The platform's parameters are the form's: what they no longer take would be refused there, city by city."""
    pipeline = request.pipeline
    if pipeline.platform_problem:
        raise Conflict(f"{request.plan['connection']} can not run {pipeline} any more: {pipeline.platform_problem}")
    if mistakes(pipeline.schema, request.parameters):
        raise Conflict(
            f"The parameters of {request.plan['workflow']} have changed since this was asked for. Reject it, or "
            "have it withdrawn and asked for again."
        )


def _refuse_changed_script(request: RetrainingRequest) -> None:
    script = program(settings.PIPELINES_DIR, request.plan["script"], request.plan.get("command", ()))
    if not script.is_file() or sha256_of(script) != request.plan["script_sha256"]:
        raise Conflict(
            f"The script {script.name} has changed since this was asked for, so this is no longer the plan that would "
            "run. Reject it, or have it withdrawn and asked for again."
        )


def _close(request: RetrainingRequest, status: str, because: str) -> None:
    move(request, status, finished_at=Now(), followed_up_at=Now(), closed_because=because)
