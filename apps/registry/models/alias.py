"""Aliases, which say what version of a model serves, and the whole history of their moves."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.registry.models.family import CHAMPION, ModelFamily
from apps.registry.models.version import LONGEST_ALIAS, ModelVersion, RegisteredModel

if TYPE_CHECKING:
    from apps.accounts.models import User


class Alias(models.Model):
    """A name that points to one version of a model; what moved it and when is in AliasMove."""

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="aliases", db_index=False)
    name = models.CharField(max_length=LONGEST_ALIAS)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="aliases")

    class Meta:
        verbose_name_plural = "aliases"
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="an_alias_points_to_one_version")]

    def __str__(self) -> str:
        return f"{self.model}@{self.name}"


class RollbackQuerySet(models.QuerySet["Rollback"]):
    def visible_to(self, user: "User") -> "RollbackQuerySet":
        return self.filter(family__in=ModelFamily.objects.visible_to(user))

    def whole(self) -> "RollbackQuerySet":
        return self.select_related("family__team", "by", "reviewed_by", "wave")


class Rollback(models.Model):
    """One person's decision to go back in one city or all of them; somebody else looks at it afterwards."""

    family = models.ForeignKey(ModelFamily, models.PROTECT, related_name="rollbacks")
    alias = models.CharField(max_length=64, default=CHAMPION)
    reason = models.TextField()
    segments = models.PositiveIntegerField()
    wave = models.ForeignKey(
        "registry.Wave", models.PROTECT, null=True, blank=True, related_name="undone_by", help_text="What it undid."
    )
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)
    reviewed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review = models.TextField(blank=True)

    objects = RollbackQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["family"], condition=Q(reviewed_at=None), name="rollbacks_to_review")]
        constraints = [
            models.CheckConstraint(condition=~Q(reviewed_by=F("by")), name="somebody_else_reviews_a_rollback"),
            models.CheckConstraint(
                condition=Q(reviewed_by=None, reviewed_at=None)
                | Q(reviewed_by__isnull=False, reviewed_at__isnull=False),
                name="a_review_has_its_person_and_time",
            ),
        ]

    def __str__(self) -> str:
        cities = "1 segment" if self.segments == 1 else f"{self.segments} segments"
        return f"rollback #{self.pk} of {self.family} ({cities})"

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary


class AliasMove(models.Model):
    """The whole history of aliases: the database refuses to change or delete a move, and an alias without one.

    Protected aliases move by promotion and rollback; others are set and removed, and `after` is None then. What an
    alias pointed to in another registry is imported: only as the first move there is.
    """

    class Kind(models.TextChoices):
        PROMOTION = "promotion"
        ROLLBACK = "rollback"
        SET = "set"
        REMOVED = "removed"
        IMPORTED = "imported"

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="alias_moves", db_index=False)
    name = models.CharField(max_length=LONGEST_ALIAS)
    before = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    after = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    promotion = models.OneToOneField(
        "registry.Promotion", models.PROTECT, null=True, blank=True, related_name="alias_move"
    )
    rollback = models.ForeignKey(Rollback, models.PROTECT, null=True, blank=True, related_name="moves")
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["model", "name", "-id"], name="moves_of_an_alias")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="promotion", promotion__isnull=False) | ~Q(kind="promotion") & Q(promotion=None),
                name="a_promotion_moves_with_its_evidence",
            ),
            models.CheckConstraint(
                condition=Q(kind="removed", after=None) | ~Q(kind="removed") & Q(after__isnull=False),
                name="an_alias_that_is_removed_points_nowhere",
            ),
            models.CheckConstraint(
                condition=~Q(kind="imported") | Q(before=None), name="an_import_never_moves_an_alias_away"
            ),
            models.CheckConstraint(
                condition=Q(before=None) | ~Q(before=F("after")), name="an_alias_moves_somewhere_else"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}@{self.name}: {_label(self.before)} → {_label(self.after)}"


def _label(version: ModelVersion | None) -> str:
    return version.label if version else "None"
