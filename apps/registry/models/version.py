"""A registered model and its immutable versions."""

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.registry.models.family import ModelFamily, Segment

if TYPE_CHECKING:
    from apps.accounts.models import User


class ModelQuerySet(models.QuerySet["RegisteredModel"]):
    def visible_to(self, user: "User") -> "ModelQuerySet":
        return self.filter(family__in=ModelFamily.objects.visible_to(user))


class RegisteredModel(models.Model):
    """One segment's model, named `<family>.<segment>` as MLflow clients ask for it."""

    name = models.CharField(max_length=130, unique=True)
    family = models.ForeignKey(ModelFamily, models.PROTECT, related_name="registered_models")
    segment = models.ForeignKey(Segment, models.PROTECT, related_name="models")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["family", "segment"], name="one_model_per_segment")]

    def __str__(self) -> str:
        return self.name

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary


class VersionQuerySet(models.QuerySet["ModelVersion"]):
    def visible_to(self, user: "User") -> "VersionQuerySet":
        return self.filter(model__family__in=ModelFamily.objects.visible_to(user))

    def whole(self) -> "VersionQuerySet":
        """With what its name, its boundary and its page need."""
        return self.select_related("model__family__team", "model__segment", "created_by", "run__user")


class ModelVersion(models.Model):
    """What was trained and what with; once READY the database lets only the description change."""

    class Status(models.TextChoices):
        PENDING_REGISTRATION = "PENDING_REGISTRATION", "pending registration"
        READY = "READY", "ready"
        FAILED_REGISTRATION = "FAILED_REGISTRATION", "failed registration"

    class Kind(models.TextChoices):
        TRAINED = "trained"
        BASELINE = "baseline"
        IMPORTED = "imported"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.PENDING_REGISTRATION: frozenset({Status.READY, Status.FAILED_REGISTRATION}),
        Status.READY: frozenset(),
        Status.FAILED_REGISTRATION: frozenset(),
    }

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=32, choices=Status, default=Status.PENDING_REGISTRATION)
    kind = models.CharField(max_length=16, choices=Kind)
    run = models.ForeignKey("tracking.Run", models.PROTECT, null=True, blank=True, related_name="+")
    tree = models.ForeignKey("artifacts.Tree", models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64, blank=True)
    trained_from = models.DateField(null=True, blank=True)
    trained_through = models.DateField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    pipeline = models.CharField(max_length=100, blank=True)
    origin = models.CharField(max_length=100, null=True, blank=True, unique=True)
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    description = models.TextField(blank=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="version_numbers_differ_per_model"),
            models.CheckConstraint(condition=Q(number__gte=1), name="version_numbers_start_at_1"),
            models.CheckConstraint(
                condition=Q(trained_from=None) | Q(trained_through__gte=F("trained_from")),
                name="training_ends_after_it_begins",
            ),
            models.CheckConstraint(condition=~Q(status="READY") | ~Q(digest=""), name="a_ready_version_has_a_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.model.name} v{self.number}"

    @property
    def label(self) -> str:
        return f"v{self.number}"

    @property
    def boundary(self) -> Boundary:
        return self.model.boundary
