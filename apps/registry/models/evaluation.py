"""An evaluation: candidate, champion and baseline scored on identical rows by the family's own evaluator."""

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.registry.models.family import ModelFamily
from apps.registry.models.version import ModelVersion, RegisteredModel

if TYPE_CHECKING:
    from apps.accounts.models import User


class EvaluationQuerySet(models.QuerySet["Evaluation"]):
    def visible_to(self, user: "User") -> "EvaluationQuerySet":
        return self.filter(model__family__in=ModelFamily.objects.visible_to(user))

    def due(self) -> "EvaluationQuerySet":
        """Waiting, or running under a lease that nobody renewed."""
        lost = Q(status=Evaluation.Status.RUNNING, lease_until__lt=Now())
        return self.filter(Q(status=Evaluation.Status.WAITING) | lost)

    def whole(self) -> "EvaluationQuerySet":
        """With what lists and pages show; the errors by day are loaded only when asked for."""
        versions = ("candidate", "champion", "shared__model")
        return self.select_related("model__family__team", "model__segment", *versions).defer("daily")

    def of_one_model(self) -> "EvaluationQuerySet":
        """Without comparisons with the shared model: no promotion looks at those."""
        return self.filter(shared=None)


class Evaluation(models.Model):
    """Written only by the worker that ran the evaluator; once done the database refuses every change.

    Without a champion it is a check of the candidate alone: a first version, or the champion on a newer month. With
    a version of the `shared` model in the champion's place it says whether a model of its own is worth it.
    `difference`, `lower` and `upper` are in the metric's unit, positive where the candidate is better.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.WAITING: frozenset({Status.RUNNING, Status.FAILED}),
        Status.RUNNING: frozenset({Status.RUNNING, Status.DONE, Status.FAILED}),
        Status.DONE: frozenset(),
        Status.FAILED: frozenset({Status.WAITING}),
    }

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="evaluations")
    candidate = models.ForeignKey(ModelVersion, models.PROTECT, related_name="evaluations")
    champion = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    shared = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    window_first = models.DateField()
    window_last = models.DateField()
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    rows = models.PositiveIntegerField(null=True, blank=True)
    days = models.PositiveIntegerField(null=True, blank=True)
    candidate_metric = models.FloatField(null=True, blank=True)
    champion_metric = models.FloatField(null=True, blank=True)
    baseline_metric = models.FloatField(null=True, blank=True)
    baselines = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="By name: metric on the same rows, and the difference with its bounds.",
    )
    difference = models.FloatField(null=True, blank=True)
    lower = models.FloatField(null=True, blank=True)
    upper = models.FloatField(null=True, blank=True)
    daily = models.JSONField(default=list, blank=True)
    data_digest = models.CharField(max_length=80, blank=True)
    evaluator = models.CharField(max_length=64)
    evaluator_version = models.CharField(max_length=64)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["model", "window_last", "status"], name="evaluations_of_a_model"),
            models.Index(fields=["champion", "window_last", "id"], name="evaluations_of_a_champion"),
            models.Index(fields=["id"], condition=Q(status__in=["waiting", "running"]), name="evaluations_to_do"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["candidate", "champion", "shared", "window_first", "window_last", "evaluator_version"],
                nulls_distinct=False,
                name="each_evaluation_is_made_once",
            ),
            models.CheckConstraint(
                condition=Q(champion=None) | Q(shared=None), name="an_evaluation_has_at_most_one_rival"
            ),
            models.CheckConstraint(condition=Q(window_last__gte=F("window_first")), name="a_window_has_days"),
            models.CheckConstraint(condition=~Q(candidate=F("champion")), name="nobody_competes_with_themselves"),
            models.CheckConstraint(
                condition=~Q(status="done")
                | Q(rows__gte=1, days__gte=1, candidate_metric__isnull=False, finished_at__isnull=False),
                name="a_done_evaluation_has_its_numbers",
            ),
            models.CheckConstraint(
                condition=~Q(status="done")
                | Q(champion=None)
                | Q(champion_metric__isnull=False, difference__isnull=False),
                name="a_done_comparison_has_its_difference",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(lease_until__isnull=False), name="a_running_evaluation_has_a_lease"
            ),
            models.CheckConstraint(condition=~Q(status="failed") | ~Q(reason=""), name="a_failed_evaluation_says_why"),
        ]

    def __str__(self) -> str:
        against = f" against v{self.champion.number}" if self.champion else ""
        return f"Evaluation of {self.candidate}{against}"

    @property
    def rival(self) -> ModelVersion | None:
        """Whose metric is `champion_metric`."""
        return self.champion or self.shared

    @property
    def boundary(self) -> Boundary:
        return self.model.boundary
