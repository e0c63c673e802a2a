"""What a run reports: parameters, points of metrics, tags. All of it is said, none of it decides anything."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from apps.tracking.models.limits import LONGEST_KEY, LONGEST_TAG, LONGEST_VALUE
from apps.tracking.models.run import Run


class Param(models.Model):
    """What the run was started with; written once."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="params")
    key = models.CharField(max_length=LONGEST_KEY)
    value = models.CharField(max_length=LONGEST_VALUE)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="a_parameter_is_set_once")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class Metric(models.Model):
    """One point that the training code reported. No gate reads it: only evaluations are compared."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="metrics")
    key = models.CharField(max_length=LONGEST_KEY)
    value = models.FloatField(help_text="May be NaN or infinite.")
    step = models.BigIntegerField(default=0)
    timestamp = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [  # also the index of a history and of the latest point
            models.UniqueConstraint(
                fields=["run", "key", "step", "timestamp", "value"], name="a_metric_point_is_stored_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class Tag(models.Model):
    """A label on a run."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="tags")
    key = models.CharField(max_length=LONGEST_KEY)
    value = models.CharField(max_length=LONGEST_TAG)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="a_tag_has_one_value")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"
