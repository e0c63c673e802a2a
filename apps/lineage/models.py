"""Runs that other products tell of, in OpenLineage: what they read and wrote. It is reported, and decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from apps.accounts.queries import team_ids_of
from apps.accounts.rules import is_operator, is_platform_admin
from apps.core.context import current
from apps.tracking.queries import runs_seen_by

if TYPE_CHECKING:
    from apps.accounts.models import User

LONGEST_NAME = 1_000
LONGEST_WORD = 500
OUTCOMES = {"START": "running", "RUNNING": "running", "COMPLETE": "succeeded", "FAIL": "failed", "ABORT": "cancelled"}
"""How pages call the state of such a run."""


class ToldRunQuerySet(models.QuerySet["ToldRun"]):
    def visible_to(self, user: User) -> ToldRunQuerySet:
        """What is about a run of ours is as visible as that; the rest is for who told it, their team, and operators."""
        about_ours = Q(run__in=runs_seen_by(user))
        credential = current().credential
        if credential and (credential.run or credential.narrowed):
            return self.filter(about_ours)
        if is_operator(user) or is_platform_admin(user):
            return self.filter(about_ours | Q(run=None))
        own = Q(told_by=user) | Q(told_by__service_of__in=team_ids_of(user))
        return self.filter(about_ours | (Q(run=None) & own))


class ToldRun(models.Model):
    """A run elsewhere, as one account tells of it; `run` is ours that it is about, or part of."""

    key = models.UUIDField(help_text="OpenLineage's runId.")
    told_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    namespace = models.CharField(max_length=LONGEST_NAME)
    job = models.CharField(max_length=LONGEST_NAME)
    producer = models.CharField(max_length=LONGEST_WORD, blank=True)
    state = models.CharField(max_length=16, help_text="The eventType that came last.")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(help_text="The newest eventTime.")
    run = models.ForeignKey("tracking.Run", models.CASCADE, null=True, blank=True, related_name="+")
    above = models.JSONField(default=list, blank=True, help_text="The runIds that it is part of.")
    outside_id = models.CharField(max_length=LONGEST_WORD, blank=True, help_text="An Airflow DAG run's id.")
    commit = models.CharField(max_length=LONGEST_WORD, blank=True)
    repository = models.CharField(max_length=LONGEST_WORD, blank=True)
    error = models.CharField(max_length=LONGEST_WORD, blank=True)

    objects = ToldRunQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "told_by"], name="an_account_tells_of_a_run_once")]
        indexes = [
            models.Index(fields=["run"], name="told_runs_of_ours", condition=Q(run__isnull=False)),
            models.Index(fields=["-last_at", "-id"], name="told_runs_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.job}"

    @property
    def outcome(self) -> str:
        return OUTCOMES.get(self.state, "told")

    @property
    def read_sets(self) -> list[ToldDataset]:
        return [one for one in self.datasets.all() if one.role == ToldDataset.Role.INPUT]

    @property
    def written_sets(self) -> list[ToldDataset]:
        return [one for one in self.datasets.all() if one.role == ToldDataset.Role.OUTPUT]


class ToldEvent(models.Model):
    """An event that has been taken: the same one again changes nothing."""

    told_run = models.ForeignKey(ToldRun, models.CASCADE, related_name="events")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["told_run", "digest"], name="an_event_is_taken_once")]

    def __str__(self) -> str:
        return self.digest


class ToldDataset(models.Model):
    """A data set or feature view that such a run read or wrote."""

    class Role(models.TextChoices):
        INPUT = "input"
        OUTPUT = "output"

    told_run = models.ForeignKey(ToldRun, models.CASCADE, related_name="datasets")
    role = models.CharField(max_length=8, choices=Role)
    place = models.CharField(max_length=64, help_text="Hex sha256 of namespace and name.")
    namespace = models.CharField(max_length=LONGEST_NAME)
    name = models.CharField(max_length=LONGEST_NAME)
    kind = models.CharField(max_length=LONGEST_WORD, blank=True)
    version = models.CharField(max_length=LONGEST_WORD, blank=True)
    address = models.CharField(max_length=LONGEST_WORD, blank=True)
    fields = models.JSONField(default=list, blank=True, help_text='[["distance_mi", "double"]]')

    class Meta:
        ordering = ["namespace", "name"]
        constraints = [
            models.UniqueConstraint(fields=["told_run", "role", "place"], name="a_data_set_is_told_once_per_role")
        ]
        indexes = [models.Index(fields=["place", "role"], name="who_touched_a_data_set")]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def is_feature_view(self) -> bool:
        """A feature store says so by its namespace or by the data set's type."""
        return self.namespace.startswith("feast") or "feature" in self.kind.lower()
