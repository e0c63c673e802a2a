"""MLflow's logged model: the files of one model and what is known about it, before anybody registers it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.context import Boundary, current
from apps.core.transitions import free
from apps.tracking.models.experiment import Experiment
from apps.tracking.models.limits import LONGEST_KEY, LONGEST_TAG, LONGEST_VALUE
from apps.tracking.models.run import Run

if TYPE_CHECKING:
    from apps.accounts.models import User


def new_model_id() -> str:
    """MLflow's form."""
    return f"m-{uuid.uuid4().hex}"


class LoggedModelQuerySet(models.QuerySet["LoggedModel"]):
    def visible_to(self, user: User) -> LoggedModelQuerySet:
        """As visible as its experiment; a run's token sees that run's."""
        found = self.filter(experiment__in=Experiment.objects.visible_to(user))
        credential = current().credential
        return found.filter(run=credential.run) if credential and credential.run else found


class LoggedModel(models.Model):
    """The files of one model with its parameters, metrics and tags."""

    class Status(models.TextChoices):
        PENDING = "LOGGED_MODEL_PENDING", "pending"
        READY = "LOGGED_MODEL_READY", "ready"
        UPLOAD_FAILED = "LOGGED_MODEL_UPLOAD_FAILED", "upload failed"

    ALLOWED: ClassVar = free(Status.values)  # MLflow's: whoever logs it says how it went, and may say it again

    id = models.CharField(max_length=34, primary_key=True, default=new_model_id)
    experiment = models.ForeignKey(Experiment, models.PROTECT, related_name="logged_models")
    run = models.ForeignKey(Run, models.PROTECT, null=True, blank=True, related_name="logged_models")
    name = models.CharField(max_length=500)
    kind = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=32, choices=Status, default=Status.PENDING)
    status_message = models.CharField(max_length=LONGEST_KEY, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    tree = models.OneToOneField("artifacts.Tree", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = LoggedModelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id__regex=r"^m-[0-9a-f]{32}$"), name="a_logged_model_id_is_mlflow_s")
        ]
        indexes = [models.Index(fields=["experiment", "-created_at", "id"], name="logged_models_newest_first")]

    def __str__(self) -> str:
        return self.name

    @property
    def boundary(self) -> Boundary:
        return self.experiment.boundary

    @property
    def own_run(self) -> str:
        """The run whose token may do this work."""
        return self.run_id or ""


class LoggedModelParam(models.Model):
    model = models.ForeignKey(LoggedModel, models.CASCADE, related_name="params")
    key = models.CharField(max_length=LONGEST_KEY)
    value = models.CharField(max_length=LONGEST_VALUE)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="a_logged_model_s_parameter_is_set_once")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class LoggedModelTag(models.Model):
    model = models.ForeignKey(LoggedModel, models.CASCADE, related_name="tags")
    key = models.CharField(max_length=LONGEST_KEY)
    value = models.CharField(max_length=LONGEST_TAG)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="a_logged_model_s_tag_has_one_value")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class LoggedModelMetric(models.Model):
    """One point that a run reported about a logged model, on a data set where it says which."""

    model = models.ForeignKey(LoggedModel, models.CASCADE, related_name="metrics")
    run = models.ForeignKey(Run, models.CASCADE, related_name="+")
    key = models.CharField(max_length=LONGEST_KEY)
    value = models.FloatField(help_text="May be NaN or infinite.")
    step = models.BigIntegerField(default=0)
    timestamp = models.DateTimeField()
    dataset_name = models.CharField(max_length=500, blank=True)
    dataset_digest = models.CharField(max_length=36, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "key", "timestamp", "step", "run"], name="a_logged_model_s_point_is_stored_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class RunModel(models.Model):
    """A run used a logged model, or made it."""

    class Role(models.TextChoices):
        INPUT = "input"
        OUTPUT = "output"

    run = models.ForeignKey(Run, models.CASCADE, related_name="model_links")
    model = models.ForeignKey(LoggedModel, models.CASCADE, related_name="uses")
    role = models.CharField(max_length=8, choices=Role)
    step = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "model", "role", "step"], name="a_model_is_used_once")]

    def __str__(self) -> str:
        return f"{self.run} {self.role} {self.model}"
