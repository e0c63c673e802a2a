"""What a run says about itself, in MLflow's words: parameters, metrics with history, tags, files."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.accounts.queries import team_ids_of
from apps.core.context import Boundary, current

if TYPE_CHECKING:
    from apps.accounts.models import User

LONGEST_KEY = 250
LONGEST_VALUE = 6_000
"""MLflow's own limit of a parameter's value (characters)."""


class Visibility(models.TextChoices):
    EVERYONE = "everyone"
    TEAMS = "teams"


class ExperimentQuerySet(models.QuerySet["Experiment"]):
    def visible_to(self, user: User) -> ExperimentQuerySet:
        """What this person, through the credential in use, may read."""
        if not user.is_active:
            return self.none()
        mine = Q(visibility=Visibility.EVERYONE) | Q(team__in=team_ids_of(user))
        credential = current().credential
        if credential and credential.narrowed:
            mine &= Q(team__slug__in=credential.teams)
        return self.filter(mine)


class Experiment(models.Model):
    """A named group of runs that belongs to a team."""

    name = models.CharField(max_length=LONGEST_KEY, unique=True)
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+")
    visibility = models.CharField(max_length=16, choices=Visibility, default=Visibility.EVERYONE)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="an_experiment_has_a_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def boundary(self) -> Boundary:
        return Boundary(team=self.team.slug)


def new_run_id() -> str:
    """MLflow's form: 32 hex digits."""
    return uuid.uuid4().hex


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User) -> RunQuerySet:
        """A run is as visible as its experiment."""
        return self.filter(experiment__in=Experiment.objects.visible_to(user))


class Run(models.Model):
    """One execution of training code, with what it reported and the files it left."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING"
        SCHEDULED = "SCHEDULED"
        FINISHED = "FINISHED"
        FAILED = "FAILED"
        KILLED = "KILLED"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.SCHEDULED: frozenset({Status.RUNNING, Status.FAILED, Status.KILLED}),
        Status.RUNNING: frozenset({Status.FINISHED, Status.FAILED, Status.KILLED}),
        Status.FINISHED: frozenset(),
        Status.FAILED: frozenset(),
        Status.KILLED: frozenset(),
    }

    id = models.CharField(max_length=32, primary_key=True, default=new_run_id)
    experiment = models.ForeignKey(Experiment, models.PROTECT, related_name="runs")
    name = models.CharField(max_length=LONGEST_KEY)
    status = models.CharField(max_length=16, choices=Status, default=Status.RUNNING)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
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
        return bool(self.ALLOWED[self.status])


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
    value = models.CharField(max_length=LONGEST_VALUE)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="a_tag_has_one_value")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"
