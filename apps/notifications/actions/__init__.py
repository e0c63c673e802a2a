"""Verbs of notifications: webhooks, and what is sent to them."""

from apps.notifications.actions.deliveries import Claimed, claim_delivery, finish_delivery, send_again, take_back
from apps.notifications.actions.reading import read_outbox
from apps.notifications.actions.webhooks import create_webhook, delete_webhook, send_example, update_webhook

__all__ = [
    "Claimed",
    "claim_delivery",
    "create_webhook",
    "delete_webhook",
    "finish_delivery",
    "read_outbox",
    "send_again",
    "send_example",
    "take_back",
    "update_webhook",
]
