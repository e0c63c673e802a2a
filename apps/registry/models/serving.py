"""What the outside sees of aliases: the published snapshot of a family, and who uses which version."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.registry.models.family import ModelFamily
from apps.registry.models.version import ModelVersion


class Snapshot(models.Model):
    """Whether the file that serving reads without the portal shows all that has changed in a family."""

    family = models.OneToOneField(ModelFamily, models.PROTECT, related_name="snapshot")
    changes = models.PositiveIntegerField(default=1, help_text="How often something that it shows has changed.")
    published = models.PositiveIntegerField(default=0, help_text="How many of these changes the file shows.")
    published_at = models.DateTimeField(null=True, blank=True)
    key_id = models.CharField(max_length=16, blank=True, help_text="By which key the file is signed.")

    class Meta:
        indexes = [
            models.Index(fields=["family"], condition=Q(published__lt=F("changes")), name="snapshots_to_publish")
        ]

    def __str__(self) -> str:
        return f"snapshot of {self.family}"


class Consumption(models.Model):
    """Who has used a version how often, counted beside the requests: a process that dies loses its last seconds."""

    class Kind(models.TextChoices):
        RESOLVED = "resolved"
        DOWNLOADED = "downloaded"
        SERVED = "served", "said to be served"

    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="consumption")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    place = models.CharField(max_length=100, blank=True, help_text="Where it is served, in the words of who serves it.")
    times = models.PositiveBigIntegerField()
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-last_at"]
        verbose_name_plural = "consumption"
        constraints = [
            models.UniqueConstraint(fields=["version", "user", "kind", "place"], name="uses_of_one_kind_are_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.get_kind_display()} by {self.user}"
