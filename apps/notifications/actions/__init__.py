"""Verbs of notifications: webhooks, channels, mails, and what is sent."""

from apps.notifications.actions.choices import choose_mail, greet_channel, remove_channel, set_channel
from apps.notifications.actions.deliveries import Claimed, claim_delivery, finish_delivery, send_again, take_back
from apps.notifications.actions.reading import read_outbox, shift_cursor
from apps.notifications.actions.webhooks import create_webhook, delete_webhook, send_example, update_webhook

__all__ = [
    "Claimed",
    "choose_mail",
    "claim_delivery",
    "create_webhook",
    "delete_webhook",
    "finish_delivery",
    "greet_channel",
    "read_outbox",
    "remove_channel",
    "send_again",
    "send_example",
    "set_channel",
    "shift_cursor",
    "take_back",
    "update_webhook",
]
