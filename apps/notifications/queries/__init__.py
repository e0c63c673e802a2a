"""Reads of webhooks and of what was sent."""

from apps.notifications.queries.webhooks import deliveries, delivery, due, webhook, webhooks

__all__ = ["deliveries", "delivery", "due", "webhook", "webhooks"]
