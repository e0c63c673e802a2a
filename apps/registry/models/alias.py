"""Aliases, which say what version of a model serves, and the whole history of their moves."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.registry.models.version import ModelVersion, RegisteredModel


class Alias(models.Model):
    """A name that points to one version of a model; what moved it and when is in AliasMove."""

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="aliases")
    name = models.CharField(max_length=64)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="aliases")

    class Meta:
        verbose_name_plural = "aliases"
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="an_alias_points_to_one_version")]

    def __str__(self) -> str:
        return f"{self.model}@{self.name}"


class AliasMove(models.Model):
    """The whole history of aliases: the database refuses to change or delete a move, and an alias without one."""

    class Kind(models.TextChoices):
        PROMOTION = "promotion"
        ROLLBACK = "rollback"

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="alias_moves")
    name = models.CharField(max_length=64)
    before = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    after = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    promotion = models.OneToOneField(
        "registry.Promotion", models.PROTECT, null=True, blank=True, related_name="alias_move"
    )
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["model", "name", "-id"], name="moves_of_an_alias")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="promotion", promotion__isnull=False) | Q(kind="rollback", promotion=None),
                name="a_promotion_moves_with_its_evidence",
            ),
            models.CheckConstraint(
                condition=Q(before=None) | ~Q(before=F("after")), name="an_alias_moves_somewhere_else"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}@{self.name}: {self.before and self.before.label} → {self.after.label}"
