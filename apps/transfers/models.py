"""Files of a version on their way from a company's own MLflow server into the portal's store: work is a row."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class TransferQuerySet(models.QuerySet["Transfer"]):
    def due(self) -> "TransferQuerySet":
        return self.filter(status=Transfer.Status.WAITING, next_at__lte=Now()).order_by("next_at", "id")

    def open(self) -> "TransferQuerySet":
        return self.filter(status__in=[Transfer.Status.WAITING, Transfer.Status.WORKING])

    def lost(self) -> "TransferQuerySet":
        return self.filter(status=Transfer.Status.WORKING, lease_until__lte=Now())


class Transfer(models.Model):
    """Where a version's files are: of a logged model, or a folder of a run, on one of the connected servers.

    Without a connection every connected server is asked. `attempt` fences the tries.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        WORKING = "working"
        DONE = "done"
        FAILED = "failed"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.WAITING: frozenset({Status.WORKING}),
        Status.WORKING: frozenset({Status.DONE, Status.WAITING, Status.FAILED}),
        Status.DONE: frozenset(),
        Status.FAILED: frozenset(),
    }

    version = models.OneToOneField("registry.ModelVersion", models.PROTECT, related_name="+")
    connection = models.ForeignKey("platforms.Connection", models.PROTECT, null=True, blank=True, related_name="+")
    logged_model = models.CharField(max_length=64, blank=True)
    run = models.CharField(max_length=64, blank=True)
    folder = models.CharField(max_length=500, blank=True, help_text="Of the run's artifacts, or a whole artifact URI.")
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    tries_left = models.PositiveSmallIntegerField(default=6)
    next_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TransferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(logged_model="", run=""), name="a_transfer_says_from_what"),
            models.CheckConstraint(
                condition=Q(status="working", lease_until__isnull=False) | ~Q(status="working") & Q(lease_until=None),
                name="only_a_working_transfer_has_a_lease",
            ),
        ]
        indexes = [models.Index(fields=["next_at", "id"], condition=Q(status="waiting"), name="transfer_due")]

    def __str__(self) -> str:
        return f"files of {self.version}"
