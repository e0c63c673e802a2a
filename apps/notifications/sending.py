"""Sends what is due: claim, send outside any transaction, keep what came of it."""

from __future__ import annotations

import time

import structlog

from apps.core.errors import Conflict
from apps.notifications import actions, carriers
from apps.notifications.mlflow_events import announcement_of
from apps.notifications.models import Delivery, Webhook
from apps.notifications.notices import audience_of, message_of

log = structlog.get_logger(__name__)
SECONDS_AT_ONCE = 20.0
SWITCHED_OFF = carriers.Outcome(problem="The webhook was switched off or deleted meanwhile.", dropped=True)
NO_WORDS = carriers.Outcome(problem="Nobody is told of this any more.", dropped=True)
NO_CONCERN = carriers.Outcome(problem="It was decided meanwhile, or is no longer this person's.", dropped=True)


def send_due() -> bool:
    """Sends one after the other for a while; True if there may be more."""
    until = time.monotonic() + SECONDS_AT_ONCE
    while time.monotonic() < until:
        claimed = actions.claim_delivery()
        if claimed is None:
            return False
        _send(claimed)
    return True


def _send(claimed: actions.Claimed) -> None:
    started = time.monotonic()
    outcome = _carry(claimed.delivery)
    try:
        actions.finish_delivery(claimed=claimed, outcome=outcome, seconds=time.monotonic() - started)
    except Conflict:  # its lease ran out while it was under way
        log.warning("notifications.claim_lost", delivery=str(claimed.delivery.uuid))


def _carry(delivery: Delivery) -> carriers.Outcome:
    if delivery.webhook:
        return _to_webhook(delivery, delivery.webhook)
    message = message_of(delivery.event)
    if message is None:
        return NO_WORDS
    if delivery.channel:
        return carriers.post_chat(delivery.channel, message)
    if delivery.person and delivery.person not in audience_of(delivery.event):
        return NO_CONCERN
    return carriers.mail(delivery.person.email if delivery.person else "", message, delivery=delivery.uuid)


def _to_webhook(delivery: Delivery, webhook: Webhook) -> carriers.Outcome:
    said = announcement_of(delivery.event)
    if not webhook.is_active:
        return SWITCHED_OFF
    if said is None:
        return NO_WORDS
    return carriers.post_webhook(webhook, said, delivery=delivery.uuid, at=delivery.event.at)
