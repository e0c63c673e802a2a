"""What data a run says it used."""

from __future__ import annotations

from django.db import models

from apps.tracking.models.experiment import Experiment
from apps.tracking.models.run import Run


class Dataset(models.Model):
    """A data set as training code names it: nothing here is fetched or read."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=500)
    digest = models.CharField(max_length=36)
    source_type = models.CharField(max_length=36)
    source = models.TextField()
    schema = models.TextField(blank=True)
    profile = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "name", "digest"], name="a_data_set_is_named_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.digest}"


class RunInput(models.Model):
    """A run used a data set; `tags` say for what (`mlflow.data.context`: training, validation …)."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="inputs")
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="+")
    tags = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "dataset"], name="a_data_set_is_an_input_once")]

    def __str__(self) -> str:
        return f"{self.run} used {self.dataset}"
