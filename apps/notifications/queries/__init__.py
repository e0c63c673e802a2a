"""Reads of webhooks and of what was sent."""

from apps.notifications.queries.webhooks import deliveries, delivery, due, may_make, owners, webhook, webhooks

__all__ = ["deliveries", "delivery", "due", "may_make", "owners", "webhook", "webhooks"]
