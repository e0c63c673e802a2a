"""A named group of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.accounts.queries import team_ids_of
from apps.core.context import Boundary, current
from apps.tracking.models.limits import LONGEST_EXPERIMENT, LONGEST_EXPERIMENT_TAG, LONGEST_KEY

if TYPE_CHECKING:
    from apps.accounts.models import User


class Visibility(models.TextChoices):
    EVERYONE = "everyone"
    TEAMS = "teams"


class ExperimentQuerySet(models.QuerySet["Experiment"]):
    def visible_to(self, user: User) -> ExperimentQuerySet:
        """What this person, through the credential in use, may read. A run's token sees its run's experiment."""
        if not user.is_active:
            return self.none()
        mine = Q(visibility=Visibility.EVERYONE) | Q(team__in=team_ids_of(user))
        credential = current().credential
        if credential and credential.narrowed:
            mine &= Q(team__slug__in=credential.teams)
        if credential and credential.run:
            mine &= Q(runs=credential.run)
        return self.filter(mine)


class Experiment(models.Model):
    """A named group of runs that belongs to a team."""

    name = models.CharField(max_length=LONGEST_EXPERIMENT, unique=True)
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+")
    visibility = models.CharField(max_length=16, choices=Visibility, default=Visibility.EVERYONE)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="an_experiment_has_a_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def boundary(self) -> Boundary:
        return Boundary(team=self.team.slug)

    @property
    def stage(self) -> str:
        """MLflow's lifecycle stage."""
        return "deleted" if self.deleted_at else "active"


class ExperimentTag(models.Model):
    """A label on an experiment."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="tags")
    key = models.CharField(max_length=LONGEST_KEY)
    value = models.CharField(max_length=LONGEST_EXPERIMENT_TAG)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["experiment", "key"], name="an_experiment_s_tag_has_one_value")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"
