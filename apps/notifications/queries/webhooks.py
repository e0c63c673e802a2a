"""Reads of webhooks and their deliveries: for whoever may edit them, for nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count

from apps.accounts.queries import teams
from apps.core.errors import Missing
from apps.core.permissions import allowed
from apps.notifications.models import Delivery, Webhook

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.models import Team, User
    from apps.notifications.models.delivery import DeliveryQuerySet
    from apps.notifications.models.webhook import WebhookQuerySet


def webhooks(actor: User) -> WebhookQuerySet:
    """The newest first."""
    return Webhook.objects.visible_to(actor).order_by("-created_at", "-id")


def webhook(*, actor: User, webhook_id: str) -> Webhook:
    """Raises Missing."""
    known = _uuid(webhook_id)
    found = webhooks(actor).filter(uuid=known).first() if known else None
    if found is None:
        raise Missing(f"Webhook with ID {webhook_id[:100]} not found.")
    return found


def deliveries(*, actor: User, webhook: Webhook) -> DeliveryQuerySet:
    """The newest first."""
    found = Delivery.objects.visible_to(actor).filter(webhook=webhook)
    return found.select_related("event").prefetch_related("attempts").order_by("-id")


def delivery(*, actor: User, delivery_id: str) -> Delivery:
    """Raises Missing."""
    known = _uuid(delivery_id)
    visible = Delivery.objects.visible_to(actor).select_related("event", "webhook__team")
    found = visible.filter(uuid=known).first() if known else None
    if found is None:
        raise Missing("There is no such delivery here, or you may not see it.")
    return found


def owners(actor: User) -> QuerySet[Team]:
    """Teams for which the person may make webhooks: all for a platform admin, else those they lead."""
    if allowed(actor, "notifications.create_webhook"):
        return teams()
    return teams().filter(memberships__user=actor, memberships__role="lead")


def may_make(actor: User) -> bool:
    return allowed(actor, "notifications.create_webhook") or owners(actor).exists()


def due(*, most: int) -> int:
    """How many deliveries wait to be sent now; counts no further than `most`."""
    return Delivery.objects.due()[:most].count()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def delivery_counts() -> QuerySet[Delivery, tuple[str, int]]:
    """(status, how many), of all destinations."""
    return Delivery.objects.order_by().values_list("status").annotate(Count("pk"))
