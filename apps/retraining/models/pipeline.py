"""A pipeline: what can be retrained, and within which limits."""

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.accounts.queries import team_ids_of
from apps.core.context import Boundary, current

if TYPE_CHECKING:
    from apps.accounts.models import User


class Visibility(models.TextChoices):
    EVERYONE = "everyone"
    TEAMS = "teams", "its teams only"


class PipelineQuerySet(models.QuerySet["Pipeline"]):
    def visible_to(self, user: "User") -> Self:
        """What the person may see, narrowed by the token in use."""
        if not user.is_active:
            return self.none()
        seen = self.filter(Q(visibility=Visibility.EVERYONE) | Q(team__in=team_ids_of(user)))
        credential = current().credential
        if credential is None or not credential.narrowed:
            return seen
        serves = Pipeline.families.through.objects.filter(modelfamily__slug__in=credential.families)
        return seen.filter(Q(team__slug__in=credential.teams) | Q(pk__in=serves.values("pipeline")))


class Pipeline(models.Model):
    """What can be retrained: a script, the schema of its parameters, its limits. Only platform admins define one."""

    class AfterSuccess(models.TextChoices):
        NOTHING = "nothing"
        EVALUATE = "evaluate", "evaluate the new versions"
        PROPOSE = "propose", "evaluate them, and propose those that pass all gates"
        PROMOTE = "promote", "evaluate them, and promote those that pass all gates, with the approvals of their tier"

    class Overlap(models.TextChoices):
        QUEUE = "queue", "wait until the earlier run of the segment has ended"
        FORBID = "forbid", "refuse a request for a segment that is being retrained"
        REPLACE = "replace", "cancel the earlier run of the segment"

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+")
    families = models.ManyToManyField("registry.ModelFamily", related_name="pipelines", blank=True)
    visibility = models.CharField(max_length=16, choices=Visibility, default=Visibility.EVERYONE)
    script = models.CharField(max_length=200, blank=True, help_text="A file below the pipelines' folder.")
    command = ArrayField(
        models.CharField(max_length=1_000),
        default=list,
        db_default=[],
        blank=True,
        help_text="Runs in place of Python.",
    )
    connection = models.ForeignKey(
        "platforms.Connection",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who runs it.",
    )
    workflow = models.CharField(
        max_length=250, blank=True, db_default="", default="", help_text="What the platform calls it: a DAG's id."
    )
    segment_parameter = models.CharField(max_length=100, blank=True, db_default="", default="")
    platform_problem = models.TextField(
        blank=True, db_default="", default="", help_text="Why the platform can not run it, as it last said."
    )
    platform_notice = models.TextField(
        blank=True, db_default="", default="", help_text="Why it would not run at once, as the platform last said."
    )
    platform_schema = models.JSONField(null=True, blank=True, help_text="Of all its parameters, as it last said.")
    is_partitioned = models.BooleanField(db_default=False, default=False)
    looked_up_at = models.DateTimeField(null=True, blank=True, help_text="When the platform last said so.")
    preload = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    data = models.CharField(max_length=200, blank=True, help_text="A folder below the pipelines' data folder.")
    schema = models.JSONField()
    presets = models.JSONField(default=dict, blank=True, help_text="Name → parameters that differ from the defaults.")
    seconds = models.PositiveIntegerField(default=600)
    memory_mb = models.PositiveIntegerField(default=1024)
    max_concurrent = models.PositiveSmallIntegerField(default=50)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    overlap = models.CharField(max_length=16, choices=Overlap, default=Overlap.QUEUE)
    canary = models.PositiveSmallIntegerField(
        default=0, help_text="So many segments run first; the others only once these have ended well."
    )
    stop_after = models.PositiveSmallIntegerField(
        default=5, help_text="So many ends in a row that fail for the same reason hold the request; 0: never."
    )
    requesters = ArrayField(
        models.SlugField(max_length=64),
        default=list,
        blank=True,
        help_text="Teams: only their members may request it; none: every member of the family's team.",
    )
    approval_above = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="A request for more segments waits for an approver of the family; 0: each one does; empty: none.",
    )
    after_success = models.CharField(max_length=16, choices=AfterSuccess, default=AfterSuccess.EVALUATE)
    window = models.JSONField(default=dict, blank=True, help_text="Which parameters hold the training window.")
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    objects = PipelineQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(seconds__gte=1, memory_mb__gte=64), name="pipeline_limits_are_real"),
            models.CheckConstraint(
                condition=Q(max_concurrent__gte=1, max_attempts__gte=1), name="pipeline_runs_at_least_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def boundary(self) -> Boundary:
        return Boundary(team=self.team.slug)

    def asks_for_approval(self, segments: int) -> bool:
        """Whether a request for so many segments waits for somebody's yes."""
        return self.approval_above is not None and segments > self.approval_above


class PipelineVersion(models.Model):
    """What a pipeline was defined as, each time that it was; `definition` is in the words of a pipelines file."""

    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    defined_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    defined_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["pipeline", "number"], name="a_pipeline_has_each_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline} v{self.number}"


class TeamQuota(models.Model):
    """How many runs of a team's families may be on their way at a time, whatever their pipelines allow."""

    team = models.OneToOneField("accounts.Team", models.CASCADE, related_name="+")
    max_concurrent = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(max_concurrent__gte=1), name="a_quota_lets_something_run")]

    def __str__(self) -> str:
        return f"the limit of {self.team}"

    @property
    def boundary(self) -> Boundary:
        return Boundary(team=self.team.slug)
