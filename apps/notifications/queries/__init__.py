"""Reads of webhooks, of what was sent, and of who wants to be told."""

from apps.notifications.queries.choices import channels, choice_of, wanting
from apps.notifications.queries.webhooks import (
    deliveries,
    delivery,
    delivery_counts,
    due,
    may_make,
    owners,
    webhook,
    webhooks,
)

__all__ = [
    "channels",
    "choice_of",
    "deliveries",
    "delivery",
    "delivery_counts",
    "due",
    "may_make",
    "owners",
    "wanting",
    "webhook",
    "webhooks",
]
