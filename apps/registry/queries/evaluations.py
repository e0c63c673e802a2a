"""Reads of evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.core.errors import Missing
from apps.registry.models import Evaluation
from apps.registry.models.evaluation import EvaluationQuerySet

if TYPE_CHECKING:
    from apps.accounts.models import User


def evaluations(actor: User) -> EvaluationQuerySet:
    """The newest first, without the errors by day."""
    return Evaluation.objects.visible_to(actor).whole().select_related("requested_by").order_by("-id")


def evaluation(*, actor: User, evaluation_id: int) -> Evaluation:
    """With the errors by day. Raises Missing."""
    found = evaluations(actor).defer(None).filter(pk=evaluation_id).first()
    if found is None:
        raise Missing("There is no such evaluation here, or you may not see it.")
    return found


def evaluations_due() -> int:
    """How many wait for a worker, or lost theirs."""
    return Evaluation.objects.due().count()
