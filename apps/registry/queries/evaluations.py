"""Reads of evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, QuerySet

from apps.core.errors import Missing
from apps.registry.models import Evaluation
from apps.registry.models.evaluation import EvaluationQuerySet

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class EvaluationCounts:
    """Versions by how far the newest evaluation of each is."""

    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.open + self.ended

    @property
    def open(self) -> int:
        return self.waiting + self.running

    @property
    def ended(self) -> int:
        return self.done + self.failed


def evaluations(actor: User) -> EvaluationQuerySet:
    """The newest first, without the errors by day."""
    return Evaluation.objects.visible_to(actor).whole().select_related("requested_by").order_by("-id")


def evaluation(*, actor: User, evaluation_id: int) -> Evaluation:
    """With the errors by day. Raises Missing."""
    found = evaluations(actor).defer(None).filter(pk=evaluation_id).first()
    if found is None:
        raise Missing("There is no such evaluation here, or you may not see it.")
    return found


def evaluation_counts(version_ids: QuerySet[Any, Any]) -> EvaluationCounts:
    """In one statement; without an evaluation a version is not counted. The caller checks who may see them."""
    known = Evaluation.objects.filter(candidate__in=version_ids)
    newest = known.order_by().values("candidate").annotate(newest=Max("id")).values("newest")
    rows = Evaluation.objects.filter(pk__in=newest).order_by().values_list("status")
    return EvaluationCounts(**dict(rows.annotate(count=Count("id"))))


def evaluations_due() -> int:
    """How many wait for a worker, or lost theirs."""
    return Evaluation.objects.due().count()
