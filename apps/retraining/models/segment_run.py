"""A segment run, one city of a request, and every attempt at it. What is to be done is a row with a status."""

from typing import ClassVar, Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.retraining.models.request import RetrainingRequest

LOG_CHARACTERS = 65_536
BRIEF = (
    *("status", "attempt", "progress", "message", "cause", "reason", "worker", "run"),
    *("cancel_requested_at", "heartbeat_at", "started_at", "finished_at"),
    *("request__status", "request__cancel_requested_at", "request__family__slug"),
    *("segment__slug", "version__number", "version__model__name"),
)


class LibrarySet(models.Model):
    """Distributions that segment runs had loaded, with their versions; hundreds of runs share one row."""

    digest = models.CharField(max_length=64, primary_key=True, help_text="Hex sha256 of what it holds.")
    distributions = models.JSONField(help_text='{"pandas": "2.3.1"}')

    def __str__(self) -> str:
        return f"{len(self.distributions)} libraries"

    @property
    def by_name(self) -> list[tuple[str, str]]:
        """The database keeps no order of them."""
        return sorted(self.distributions.items(), key=lambda one: one[0].lower())


class SegmentRunQuerySet(models.QuerySet["SegmentRun"]):
    def open(self) -> Self:
        return self.filter(status__in=OPEN_RUNS)

    def on_their_way(self) -> Self:
        return self.filter(status__in=(SegmentRun.Status.SENT, SegmentRun.Status.RUNNING))

    def in_brief(self) -> Self:
        """With what the API's list says of each, and no more."""
        return self.select_related(None).select_related("segment", "request__family", "version__model").only(*BRIEF)


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
        # A message that is recalled, because its request is held, waits again.
        Status.SENT: frozenset({Status.RUNNING, Status.WAITING, Status.FAILED, Status.CANCELLED}),
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
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    progress = models.FloatField(null=True, blank=True)
    message = models.CharField(max_length=300, blank=True)
    log = models.TextField(blank=True)
    log_cut_at = models.DateTimeField(null=True, blank=True, help_text="When the log was removed by the family's rule.")
    attempts_cut_at = models.DateTimeField(
        null=True, blank=True, help_text="When attempts before the last were removed by the family's rule."
    )
    cause = models.CharField(max_length=16, blank=True)
    reason = models.TextField(blank=True)
    worker = models.CharField(max_length=200, blank=True)
    run = models.ForeignKey("tracking.Run", models.PROTECT, null=True, blank=True, related_name="+")
    libraries = models.ForeignKey(LibrarySet, models.PROTECT, null=True, blank=True, related_name="+")
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
    def is_stopping(self) -> bool:
        """It is to end, and its process may not have ended yet."""
        return self.status in OPEN_RUNS and (self.cancel_requested_at is not None or self.request.is_stopping)

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
    connection = models.ForeignKey(
        "platforms.Connection",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who has it.",
    )
    outside_id = models.CharField(
        max_length=250, blank=True, db_default="", default="", help_text="What the platform knows it by."
    )
    accepted_at = models.DateTimeField(null=True, blank=True, help_text="Since when the platform surely has it.")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="When the platform last named it.")
    phase = models.CharField(max_length=16, blank=True, db_default="", default="", help_text="As the platform said.")
    end_asked_at = models.DateTimeField(null=True, blank=True, help_text="When the platform was told to end it.")
    log_cursor = models.TextField(blank=True, db_default="", default="")
    log_read_at = models.DateTimeField(null=True, blank=True)
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

    @property
    def is_again(self) -> bool:
        """The platform runs again what failed of an earlier attempt, under that one's id."""
        return not self.outside_id.endswith(f"-{self.number}")


OPEN_RUNS = (SegmentRun.Status.WAITING, SegmentRun.Status.SENT, SegmentRun.Status.RUNNING)
