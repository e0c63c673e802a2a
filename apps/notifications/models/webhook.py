"""A webhook as MLflow knows it: an address outside that hears of events of the registry."""

import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.accounts import rules as people
from apps.core.context import Boundary
from apps.core.sealed import SealedField

if TYPE_CHECKING:
    from apps.accounts.models import User


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def visible_to(self, user: "User") -> "WebhookQuerySet":
        """Those that the person may edit: an address with its log is nobody else's business."""
        living = self.filter(deleted_at=None).select_related("team", "created_by")
        if not user.is_active:
            return living.none()
        if people.is_platform_admin(user):
            return living
        return living.filter(team__memberships__user=user, team__memberships__role="lead")

    def active(self) -> "WebhookQuerySet":
        return self.filter(deleted_at=None, status=Webhook.Status.ACTIVE)


class Webhook(models.Model):
    """Hears of what its team owns; without a team, of everything that is not restricted to teams."""

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "active"
        DISABLED = "DISABLED", "switched off"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=63)
    url = models.TextField()
    events = ArrayField(models.CharField(max_length=64), help_text='MLflow\'s names, such as "model_version.created".')
    description = models.TextField(blank=True)
    sealed_secret = SealedField(blank=True, help_text="Encrypted; signs what is sent, and is never shown.")
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="a_webhook_has_a_name"),
            models.CheckConstraint(condition=~Q(events=[]), name="a_webhook_hears_of_something"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def boundary(self) -> Boundary:
        return Boundary(team=self.team.slug if self.team else "")

    @property
    def is_active(self) -> bool:
        return self.deleted_at is None and self.status == self.Status.ACTIVE
