"""One event on its way to one destination: a row, found by whoever sends, kept as the log of what was sent."""

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.notifications.models.choice import Channel
from apps.notifications.models.webhook import Webhook

if TYPE_CHECKING:
    from apps.accounts.models import User


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: "User") -> "DeliveryQuerySet":
        return self.filter(webhook__in=Webhook.objects.visible_to(user))

    def due(self) -> "DeliveryQuerySet":
        return self.filter(status=Delivery.Status.WAITING, next_at__lte=Now()).order_by("next_at", "id")

    def in_flight(self) -> "DeliveryQuerySet":
        return self.filter(status=Delivery.Status.SENDING, lease_until__gt=Now())

    def lost(self) -> "DeliveryQuerySet":
        """Whose worker is gone: they may have arrived or not."""
        return self.filter(status=Delivery.Status.SENDING, lease_until__lte=Now())


class Delivery(models.Model):
    """Made once per event and destination; its uuid is the id by which a receiver knows a repetition.

    `attempt` counts the tries and fences them: only the try that holds the number may say how it ended.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        DELIVERED = "delivered"
        FAILED = "failed"
        DROPPED = "dropped", "not sent"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.WAITING: frozenset({Status.SENDING}),
        Status.SENDING: frozenset({Status.DELIVERED, Status.WAITING, Status.FAILED, Status.DROPPED}),
        Status.DELIVERED: frozenset({Status.WAITING}),
        Status.FAILED: frozenset({Status.WAITING}),
        Status.DROPPED: frozenset({Status.WAITING}),
    }

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.ForeignKey("audit.AuditEvent", models.PROTECT, related_name="+")
    destination = models.CharField(max_length=64, help_text="Kind and key of where it goes: webhook:7, mail:3, chat:2.")
    webhook = models.ForeignKey(Webhook, models.PROTECT, null=True, blank=True, related_name="deliveries")
    person = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    channel = models.ForeignKey(Channel, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    tries_left = models.PositiveSmallIntegerField()
    next_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["event", "destination"], name="an_event_goes_to_a_destination_once"),
            models.CheckConstraint(
                condition=Q(webhook__isnull=False, person=None, channel=None)
                | Q(webhook=None, person__isnull=False, channel=None)
                | Q(webhook=None, person=None, channel__isnull=False),
                name="a_delivery_has_one_destination",
            ),
            models.CheckConstraint(
                condition=Q(status="sending", lease_until__isnull=False) | ~Q(status="sending") & Q(lease_until=None),
                name="only_what_is_being_sent_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["failed", "dropped"]) | ~Q(problem=""), name="what_was_not_delivered_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["next_at", "id"], condition=Q(status="waiting"), name="delivery_due"),
            models.Index(fields=["lease_until"], condition=Q(status="sending"), name="delivery_in_flight"),
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
        ]

    def __str__(self) -> str:
        return f"delivery {str(self.uuid)[:8]}"

    @property
    def boundary(self) -> Boundary:
        return self.webhook.boundary if self.webhook else Boundary()


class Attempt(models.Model):
    """One try: what came back, or why nothing did."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now(), editable=False)
    seconds = models.FloatField(help_text="How long it took.")
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    problem = models.TextField(blank=True, help_text="Empty when it was taken.")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="a_try_is_logged_once")]

    def __str__(self) -> str:
        return f"try {self.number} of {self.delivery}"
