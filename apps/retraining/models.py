"""Pipelines, requests, and one segment run per city. What is to be done is a row with a status."""

from typing import TYPE_CHECKING, ClassVar, Self
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.accounts.queries import team_ids_of
from apps.core.context import Boundary, current

if TYPE_CHECKING:
    from apps.accounts.models import User

LOG_CHARACTERS = 65_536


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

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+")
    families = models.ManyToManyField("registry.ModelFamily", related_name="pipelines", blank=True)
    visibility = models.CharField(max_length=16, choices=Visibility, default=Visibility.EVERYONE)
    script = models.CharField(max_length=200, help_text="A file below the pipelines' folder.")
    preload = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    data = models.CharField(max_length=200, blank=True, help_text="A folder below the pipelines' data folder.")
    schema = models.JSONField()
    presets = models.JSONField(default=dict, blank=True, help_text="Name → parameters that differ from the defaults.")
    seconds = models.PositiveIntegerField(default=600)
    memory_mb = models.PositiveIntegerField(default=1024)
    max_concurrent = models.PositiveSmallIntegerField(default=50)
    max_attempts = models.PositiveSmallIntegerField(default=3)
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


class RequestQuerySet(models.QuerySet["RetrainingRequest"]):
    def open(self) -> Self:
        """Those that the engine still has something to do for."""
        return self.filter(Q(status__in=OPEN_REQUESTS) | Q(followed_up_at=None))


class RetrainingRequest(models.Model):
    """Somebody wants these segments of a family trained; `plan` is what was frozen when it was sent."""

    class Status(models.TextChoices):
        SUBMITTED = "submitted"
        RUNNING = "running"
        FINISHED = "finished"
        FINISHED_WITH_FAILURES = "finished_with_failures", "finished with failures"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.SUBMITTED: frozenset({Status.RUNNING}),
        Status.RUNNING: frozenset({Status.FINISHED, Status.FINISHED_WITH_FAILURES, Status.FAILED, Status.CANCELLED}),
        # A person may ask again for what did not succeed, a city without data included.
        Status.FINISHED: frozenset({Status.RUNNING}),
        Status.FINISHED_WITH_FAILURES: frozenset({Status.RUNNING}),
        Status.FAILED: frozenset({Status.RUNNING}),
        Status.CANCELLED: frozenset({Status.RUNNING}),
    }

    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="requests")
    family = models.ForeignKey("registry.ModelFamily", models.PROTECT, related_name="+")
    parameters = models.JSONField()
    plan = models.JSONField()
    digest = models.CharField(max_length=64)
    segments_total = models.PositiveIntegerField()
    reason = models.TextField(blank=True)
    requester = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    key = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 (NULL: no key, which is not unique)
    status = models.CharField(max_length=32, choices=Status, default=Status.SUBMITTED)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    followed_up_at = models.DateTimeField(null=True, blank=True)
    follow_up_note = models.TextField(blank=True, help_text="Why what should follow success did not.")

    objects = RequestQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["requester", "key"], name="a_key_sends_once"),
            models.CheckConstraint(condition=Q(segments_total__gte=1), name="request_has_segments"),
            models.CheckConstraint(
                condition=Q(status__in=["submitted", "running"], finished_at=None)
                | (~Q(status__in=["submitted", "running"]) & Q(finished_at__isnull=False)),
                name="request_finished_at_says_so",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(status__in=["submitted", "running"]) | Q(followed_up_at=None),
                name="requests_to_drive",
            ),
            models.Index(fields=["family", "-id"], name="requests_of_family"),
        ]

    def __str__(self) -> str:
        return f"request #{self.pk} ({self.pipeline} for {self.segments_total} segments)"

    @property
    def boundary(self) -> Boundary:
        return Boundary(team=self.family.team.slug, family=self.family.slug)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_REQUESTS

    @property
    def is_stopping(self) -> bool:
        """Somebody cancelled it, and not every process has ended yet."""
        return self.is_open and self.cancel_requested_at is not None


class SegmentRunQuerySet(models.QuerySet["SegmentRun"]):
    def open(self) -> Self:
        return self.filter(status__in=OPEN_RUNS)

    def on_their_way(self) -> Self:
        return self.filter(status__in=(SegmentRun.Status.SENT, SegmentRun.Status.RUNNING))


class SegmentRun(models.Model):
    """One segment of a request; `attempt` is the fencing token of whoever holds the lease."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        NO_DATA = "no_data", "no data"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.WAITING: frozenset({Status.SENT, Status.CANCELLED}),
        Status.SENT: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED}),
        Status.RUNNING: frozenset({Status.WAITING, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.NO_DATA}),
        Status.SUCCEEDED: frozenset(),
        Status.FAILED: frozenset({Status.WAITING}),
        Status.CANCELLED: frozenset({Status.WAITING}),
        Status.NO_DATA: frozenset({Status.WAITING}),
    }

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    request = models.ForeignKey(RetrainingRequest, models.CASCADE, related_name="runs")
    segment = models.ForeignKey("registry.Segment", models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    attempts_forgiven = models.PositiveIntegerField(
        default=0, help_text="Attempts before a person last asked again; they do not count against the limit."
    )
    sends = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    progress = models.FloatField(null=True, blank=True)
    message = models.CharField(max_length=300, blank=True)
    log = models.TextField(blank=True)
    cause = models.CharField(max_length=16, blank=True)
    reason = models.TextField(blank=True)
    worker = models.CharField(max_length=200, blank=True)
    run = models.ForeignKey("tracking.Run", models.PROTECT, null=True, blank=True, related_name="+")
    version = models.OneToOneField("registry.ModelVersion", models.PROTECT, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SegmentRunQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["request", "segment"], name="a_segment_is_in_a_request_once"),
            models.CheckConstraint(
                condition=Q(status="running", lease_until__isnull=False) | (~Q(status="running") & Q(lease_until=None)),
                name="who_runs_holds_a_lease",
            ),
            models.CheckConstraint(
                condition=Q(status="succeeded", version__isnull=False) | (~Q(status="succeeded") & Q(version=None)),
                name="success_means_a_version",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["failed", "no_data"]) | ~Q(reason=""), name="failure_has_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "sent", "running"], finished_at=None)
                | (~Q(status__in=["waiting", "sent", "running"]) & Q(finished_at__isnull=False)),
                name="run_finished_at_says_so",
            ),
        ]
        indexes = [
            models.Index(fields=["request", "status"], name="runs_of_request"),
            models.Index(
                fields=["status", "request"], condition=Q(status__in=["waiting", "sent", "running"]), name="open_runs"
            ),
            models.Index(fields=["segment", "-id"], name="runs_of_segment"),
        ]

    def __str__(self) -> str:
        return f"the run of {self.segment} in request #{self.request_id}"

    @property
    def boundary(self) -> Boundary:
        return self.request.boundary

    @property
    def tries(self) -> int:
        return self.attempt - self.attempts_forgiven

    @property
    def origin(self) -> str:
        """How the version that comes of it is known: one version per segment run, whatever is delivered twice."""
        return f"segment-run:{self.pk}"

    @property
    def seconds(self) -> float | None:
        """How long its last attempt took, or None while it is open."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class Attempt(models.Model):
    """One worker's try at a segment run, kept whatever became of it."""

    segment_run = models.ForeignKey(SegmentRun, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=200)
    run = models.ForeignKey("tracking.Run", models.PROTECT, related_name="+")
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    end = models.CharField(max_length=16, blank=True)
    cause = models.CharField(max_length=16, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["segment_run", "number"], name="an_attempt_number_is_used_once"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} on {self.worker}"


class Worker(models.Model):
    """A Celery worker as it last reported itself."""

    name = models.CharField(max_length=200, unique=True)
    pid = models.PositiveIntegerField()
    host = models.CharField(max_length=200)
    queues = ArrayField(models.CharField(max_length=64))
    slots = models.PositiveIntegerField(default=1, help_text="How many runs it works on at a time.")
    isolation = models.TextField(blank=True, help_text="Empty where training code runs as another user, else why not.")
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


OPEN_REQUESTS = (RetrainingRequest.Status.SUBMITTED, RetrainingRequest.Status.RUNNING)
OPEN_RUNS = (SegmentRun.Status.WAITING, SegmentRun.Status.SENT, SegmentRun.Status.RUNNING)
