"""How long a family keeps what. Without a rule it keeps everything, as it does of what a rule says nothing of."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.context import Boundary

SHORTEST, SHORTEST_FILES, LONGEST = 7, 30, 3_650
"""Days."""


def _days(about: str) -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(null=True, blank=True, help_text=f"{about} Null keeps them for good.")


class Rule(models.Model):
    """What a family lets go after how many days; who set it stands for what is cut by it."""

    family = models.OneToOneField("registry.ModelFamily", models.PROTECT, related_name="+")
    logs_days = _days("Days that the logs of segment runs are kept.")
    attempts_days = _days("Days that attempts are kept which another one followed.")
    metrics_days = _days("Days that all points of a metric are kept; the last one always is.")
    files_days = _days("Days that the files of versions and runs are kept which nothing needs.")
    set_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    set_at = models.DateTimeField(db_default=Now(), editable=False)
    looked_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When nothing more was due.")

    class Meta:
        constraints = [
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{name}_days": None}) | Q(**{f"{name}_days__range": (shortest, LONGEST)}),
                    name=f"{name}_are_kept_for_a_while",
                )
                for name, shortest in (
                    ("logs", SHORTEST),
                    ("attempts", SHORTEST),
                    ("metrics", SHORTEST),
                    ("files", SHORTEST_FILES),
                )
            )
        ]

    def __str__(self) -> str:
        return f"what is kept of {self.family}"

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary


class Cut(models.Model):
    """What went by a family's rule in one go; open while there is more, so that whoever is killed goes on with it."""

    family = models.ForeignKey("registry.ModelFamily", models.PROTECT, related_name="+")
    terms = models.JSONField(help_text="The rule's days, as they were.")
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", help_text="Who had set the rule.")
    logs = models.PositiveIntegerField(default=0)
    log_bytes = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    points = models.PositiveBigIntegerField(default=0)
    versions = models.PositiveIntegerField(default=0, help_text="Whose files went.")
    trees = models.PositiveIntegerField(default=0, help_text="Of versions, runs and logged models, each once.")
    file_bytes = models.PositiveBigIntegerField(default=0, help_text="That nothing else names.")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["family"], condition=Q(finished_at=None), name="a_family_is_cut_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"cut #{self.pk} of {self.family}"

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary

    @property
    def freed(self) -> int:
        """Bytes."""
        return self.log_bytes + self.file_bytes

    @property
    def sums(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COUNTED}


COUNTED = ("logs", "log_bytes", "attempts", "points", "versions", "trees", "file_bytes")
