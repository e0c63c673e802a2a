"""Where news go, what was sent there, and how far the audit has been read."""

from apps.notifications.models.choice import Channel, Kind, MailChoice
from apps.notifications.models.delivery import Attempt, Delivery
from apps.notifications.models.reading import Cursor
from apps.notifications.models.webhook import Webhook

__all__ = ["Attempt", "Channel", "Cursor", "Delivery", "Kind", "MailChoice", "Webhook"]
