"""A request: somebody wants these segments of a family trained."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.retraining.models.pipeline import Pipeline

BRIEF = (
    *("parameters", "segments_total", "reason", "key", "digest", "status"),
    *("held_at", "held_because", "closed_because", "cancel_requested_at", "created_at", "started_at", "finished_at"),
    *("pipeline__slug", "family__slug", "requester__username"),
)


class RequestQuerySet(models.QuerySet["RetrainingRequest"]):
    def open(self) -> Self:
        """Those that the engine still has something to do for."""
        driven = Q(status__in=OPEN_REQUESTS) | Q(followed_up_at=None)
        return self.filter(driven).exclude(status=RetrainingRequest.Status.WAITING_FOR_APPROVAL)

    def waiting_for_approval(self) -> Self:
        return self.filter(status=RetrainingRequest.Status.WAITING_FOR_APPROVAL)

    def in_brief(self) -> Self:
        """With what the API's list says of each, and no more: plans and schemas are long."""
        return self.select_related(None).select_related("pipeline", "family", "requester").only(*BRIEF)


class RetrainingRequest(models.Model):
    """Somebody wants these segments of a family trained; `plan` is what was frozen when it was sent."""

    class Status(models.TextChoices):
        WAITING_FOR_APPROVAL = "waiting_for_approval", "waiting for approval"
        SUBMITTED = "submitted"
        RUNNING = "running"
        FINISHED = "finished"
        FINISHED_WITH_FAILURES = "finished_with_failures", "finished with failures"
        FAILED = "failed"
        CANCELLED = "cancelled"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.WAITING_FOR_APPROVAL: frozenset({Status.SUBMITTED, Status.REJECTED, Status.WITHDRAWN, Status.EXPIRED}),
        Status.SUBMITTED: frozenset({Status.RUNNING}),
        Status.RUNNING: frozenset({Status.FINISHED, Status.FINISHED_WITH_FAILURES, Status.FAILED, Status.CANCELLED}),
        # A person may ask again for what did not succeed, a city without data included.
        Status.FINISHED: frozenset({Status.RUNNING}),
        Status.FINISHED_WITH_FAILURES: frozenset({Status.RUNNING}),
        Status.FAILED: frozenset({Status.RUNNING}),
        Status.CANCELLED: frozenset({Status.RUNNING}),
        Status.REJECTED: frozenset(),
        Status.WITHDRAWN: frozenset(),
        Status.EXPIRED: frozenset(),
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
    approval = models.OneToOneField(
        "approvals.Approval", models.PROTECT, null=True, blank=True, related_name="+", help_text="Of the plan's digest."
    )
    closed_because = models.TextField(blank=True, help_text="Why it was rejected or withdrawn, or expired.")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    held_because = models.TextField(blank=True, help_text="Why nothing more is sent.")
    resumed_at = models.DateTimeField(null=True, blank=True, help_text="Earlier failures no longer hold it.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    followed_up_at = models.DateTimeField(null=True, blank=True)
    wave = models.ForeignKey(
        "registry.Wave", models.PROTECT, null=True, blank=True, related_name="+", help_text="What it was proposed in."
    )
    follow_up_note = models.TextField(blank=True, help_text="Why what should follow success did not.")

    objects = RequestQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["requester", "key"], name="a_key_sends_once"),
            models.CheckConstraint(condition=Q(segments_total__gte=1), name="request_has_segments"),
            models.CheckConstraint(
                condition=Q(status__in=["waiting_for_approval", "submitted", "running"], finished_at=None)
                | (~Q(status__in=["waiting_for_approval", "submitted", "running"]) & Q(finished_at__isnull=False)),
                name="request_finished_at_says_so",
            ),
            models.CheckConstraint(
                condition=Q(held_at=None, held_because="") | Q(held_at__isnull=False) & ~Q(held_because=""),
                name="a_held_request_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["waiting_for_approval", "rejected", "withdrawn", "expired"])
                | Q(approval__isnull=False),
                name="who_waits_has_a_question",
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
    def waits(self) -> bool:
        """Somebody else must approve it first; it has no segment runs yet."""
        return self.status == RetrainingRequest.Status.WAITING_FOR_APPROVAL

    @property
    def never_ran(self) -> bool:
        return self.status in NEVER_RAN

    @property
    def is_stopping(self) -> bool:
        """Somebody cancelled it, and not every process has ended yet."""
        return self.is_open and self.cancel_requested_at is not None

    @property
    def is_held(self) -> bool:
        """What runs goes on, nothing more is sent."""
        return self.is_open and self.held_at is not None and self.cancel_requested_at is None


NEVER_RAN = (
    RetrainingRequest.Status.WAITING_FOR_APPROVAL,
    RetrainingRequest.Status.REJECTED,
    RetrainingRequest.Status.WITHDRAWN,
    RetrainingRequest.Status.EXPIRED,
)
OPEN_REQUESTS = (RetrainingRequest.Status.SUBMITTED, RetrainingRequest.Status.RUNNING)
