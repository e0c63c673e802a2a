"""A freeze: for a while nothing is promoted, in one family or in all; a rollback always is possible."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.registry.models.family import ModelFamily


class FreezeQuerySet(models.QuerySet["Freeze"]):
    def active(self) -> "FreezeQuerySet":
        """Neither lifted nor over, by the database's clock."""
        return self.filter(lifted_at=None, expires_at__gt=Now())

    def on(self, family: ModelFamily) -> "FreezeQuerySet":
        """Those that hold for this family: its own and the global ones."""
        return self.filter(Q(family=family) | Q(family=None))


class Freeze(models.Model):
    """Without a family it holds for all. It ends by itself, or earlier when somebody lifts it."""

    family = models.ForeignKey(ModelFamily, models.PROTECT, null=True, blank=True, related_name="freezes")
    reason = models.TextField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    lifted_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = FreezeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["family", "expires_at"], condition=Q(lifted_at=None), name="freezes_that_hold")]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="a_freeze_says_why"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("at")), name="a_freeze_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(lifted_by=None, lifted_at=None) | Q(lifted_by__isnull=False, lifted_at__isnull=False),
                name="a_lifted_freeze_has_its_person_and_time",
            ),
        ]

    def __str__(self) -> str:
        return f"the freeze of {self.family}" if self.family else "the freeze of all families"

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary if self.family else Boundary()
