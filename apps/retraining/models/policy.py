"""A policy: when a family is retrained without somebody asking each time; and every time it decided."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.retraining.models.pipeline import Pipeline
from apps.retraining.models.request import RetrainingRequest


class PolicyQuerySet(models.QuerySet["Policy"]):
    def awake(self) -> Self:
        return self.filter(paused_at=None)


class Policy(models.Model):
    """Runs as its owner, and only while that person may retrain the family. Without `starts` it only suggests."""

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", "on a schedule"
        SIGNAL = "signal", "on a signal"
        AGE = "age", "when a champion is older than the family wants"
        METRIC = "metric", "when a champion has become worse"

    class Yardstick(models.TextChoices):
        PROMOTED = "promoted", "than when they were promoted"
        BASELINE = "baseline", "than the plain baseline"

    name = models.CharField(max_length=100)
    family = models.ForeignKey("registry.ModelFamily", models.PROTECT, related_name="+")
    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="policies")
    owner = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    trigger = models.CharField(max_length=16, choices=Trigger)
    cron = models.CharField(max_length=100, blank=True, help_text="Five fields, as in crontab(5).")
    time_zone = models.CharField(max_length=64, default="UTC")
    kinds = ArrayField(models.CharField(max_length=16), default=list, blank=True, help_text="Of signals; all if empty.")
    in_a_row = models.PositiveSmallIntegerField(default=1, help_text="So many alarms of a segment without a good word.")
    worse_by = models.PositiveSmallIntegerField(default=10, help_text="Percent, on the newest month with labels.")
    yardstick = models.CharField(max_length=16, choices=Yardstick, default=Yardstick.PROMOTED)
    parameters = models.JSONField(default=dict, blank=True)
    segments = ArrayField(models.CharField(max_length=64), null=True, blank=True, help_text="Slugs; none given: all.")
    starts = models.BooleanField(default=False, help_text="It sends the request itself; otherwise it suggests one.")
    after_success = models.CharField(
        max_length=16, choices=Pipeline.AfterSuccess, blank=True, help_text="Empty: as the pipeline says."
    )
    cool_down_hours = models.PositiveIntegerField(default=24, help_text="A segment is not retrained again within.")
    daily_cap = models.PositiveIntegerField(default=200, help_text="Segment runs within 24 hours.")
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_because = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    looked_at = models.DateTimeField(db_default=Now(), help_text="Until when it has looked for occasions.")

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["family", "name"], name="policies_of_a_family_differ_by_name"),
            models.CheckConstraint(condition=~Q(trigger="schedule") | ~Q(cron=""), name="a_schedule_says_when"),
            models.CheckConstraint(condition=Q(in_a_row__gte=1, daily_cap__gte=1), name="a_policy_can_fire"),
            models.CheckConstraint(
                condition=Q(paused_at=None, paused_because="") | Q(paused_at__isnull=False) & ~Q(paused_because=""),
                name="a_paused_policy_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"the policy {self.name} of {self.family}"

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary


class Firing(models.Model):
    """A policy's decision on one occasion, also when it decided not to; an occasion is decided once."""

    class Outcome(models.TextChoices):
        STARTED = "started"
        SUGGESTED = "suggested"
        TAKEN = "taken", "suggestion taken"
        DISMISSED = "dismissed", "suggestion dismissed"
        SUPERSEDED = "superseded", "taken up by a newer suggestion"
        DID_NOT_FIRE = "did_not_fire", "did not fire"

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="firings")
    occasion = models.CharField(max_length=200)
    outcome = models.CharField(max_length=16, choices=Outcome)
    reason = models.TextField()
    segments = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    signals = ArrayField(models.BigIntegerField(), default=list, blank=True, help_text="Ids of those it is about.")
    request = models.ForeignKey(RetrainingRequest, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=Q(outcome="suggested"), name="suggestions_that_wait")]
        constraints = [
            models.UniqueConstraint(fields=["policy", "occasion"], name="an_occasion_is_decided_once"),
            models.CheckConstraint(
                condition=Q(outcome__in=["started", "taken"], request__isnull=False)
                | (~Q(outcome__in=["started", "taken"]) & Q(request=None)),
                name="what_was_started_has_its_request",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy}: {self.reason}"

    @property
    def boundary(self) -> Boundary:
        return self.policy.boundary
