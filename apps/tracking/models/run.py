"""One execution of training code."""

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
from apps.tracking.models.limits import LONGEST_KEY

if TYPE_CHECKING:
    from apps.accounts.models import User


def new_run_id() -> str:
    """MLflow's form: 32 hex digits."""
    return uuid.uuid4().hex


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User) -> RunQuerySet:
        """A run is as visible as its experiment; a run's token sees that one."""
        found = self.filter(experiment__in=Experiment.objects.visible_to(user))
        credential = current().credential
        return found.filter(pk=credential.run) if credential and credential.run else found


class Run(models.Model):
    """One execution of training code, with what it reported and the files it left."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING"
        SCHEDULED = "SCHEDULED"
        FINISHED = "FINISHED"
        FAILED = "FAILED"
        KILLED = "KILLED"

    OPEN: ClassVar[frozenset[str]] = frozenset({Status.RUNNING, Status.SCHEDULED})
    ALLOWED: ClassVar = free(Status.values)  # MLflow's: a run can be resumed, and say again how it ended

    id = models.CharField(max_length=32, primary_key=True, default=new_run_id)
    experiment = models.ForeignKey(Experiment, models.PROTECT, related_name="runs")
    name = models.CharField(max_length=LONGEST_KEY)
    status = models.CharField(max_length=16, choices=Status, default=Status.RUNNING)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    history_cut_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When all points but the last of each metric were removed."
    )
    tree = models.OneToOneField("artifacts.Tree", models.PROTECT, related_name="+")

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id__regex=r"^[0-9a-f]{32}$"), name="a_run_id_is_32_hex_digits"),
            models.CheckConstraint(
                condition=Q(status__in=["RUNNING", "SCHEDULED"], ended_at=None)
                | Q(status__in=["FINISHED", "FAILED", "KILLED"], ended_at__isnull=False),
                name="a_run_is_open_or_has_an_end",
            ),
        ]
        indexes = [models.Index(fields=["experiment", "-started_at", "-id"], name="runs_newest_first")]

    def __str__(self) -> str:
        return self.name

    @property
    def boundary(self) -> Boundary:
        return self.experiment.boundary

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def stage(self) -> str:
        """MLflow's lifecycle stage."""
        return "deleted" if self.deleted_at else "active"

    @property
    def own_run(self) -> str:
        """The run whose token may do this work."""
        return self.pk
