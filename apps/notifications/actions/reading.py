"""Reading the audit: in commit order, behind a cursor, each event once into a delivery per destination."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.audit.queries import outbox
from apps.notifications.mlflow_events import Announcement, announcement_of
from apps.notifications.models import Channel, Cursor, Delivery, Webhook
from apps.notifications.notices import NOTICES, audience_of, firsts
from apps.notifications.queries import wanting
from apps.registry.queries import restricted_families

if TYPE_CHECKING:
    from apps.audit.models import AuditEvent

OUTBOX = "outbox"
BATCH = 500
NEWS = timedelta(days=1)
"""What is told later than this after it happened is history (an import, the demo), and no news to anybody."""


@transaction.atomic
def read_outbox() -> int:
    """Makes deliveries of the next events; answers how many events it read. While somebody else reads, nothing.

    Cursor and deliveries commit together, and a delivery is unique per event and destination: reading twice, or
    from an earlier place, makes none twice.
    """
    Cursor.objects.get_or_create(name=OUTBOX)
    cursor = Cursor.objects.select_for_update(skip_locked=True).filter(name=OUTBOX).first()
    events = outbox(after=(cursor.transaction, cursor.event), limit=BATCH) if cursor else []
    if not cursor or not events:
        return 0
    news = _news(events)
    Delivery.objects.bulk_create([*_to_webhooks(news), *_to_people(news)], ignore_conflicts=True)
    cursor.transaction, cursor.event = events[-1].transaction, events[-1].pk
    cursor.save(update_fields=["transaction", "event"])
    return len(events)


def shift_cursor(*, by: int) -> None:
    """With the numbers of the transactions that it counts by."""
    Cursor.objects.update(transaction=F("transaction") - by)


def _news(events: Sequence[AuditEvent]) -> list[AuditEvent]:
    return [event for event in events if event.recorded_at - event.at < NEWS]


def _to_webhooks(events: Sequence[AuditEvent]) -> Iterator[Delivery]:
    told = [(event, said) for event in events if (said := announcement_of(event))]
    if not told:
        return
    secret = restricted_families({event.family for event, _ in told})
    webhooks = list(Webhook.objects.active().select_related("team"))
    for event, said in told:
        for webhook in webhooks:
            if _hears(webhook, event, said, secret):
                yield _delivery(event, f"webhook:{webhook.pk}", webhook=webhook)


def _to_people(events: Sequence[AuditEvent]) -> Iterator[Delivery]:
    """To whom it concerns by mail, and once to the channel of the team it happened in."""
    for event in firsts(events):
        audience = audience_of(event)
        kind = NOTICES[event.action].kind
        for person in wanting(audience, kind):
            yield _delivery(event, f"mail:{person.pk}", person=person)
        channel = Channel.objects.filter(team__slug=event.team).exclude(sealed_address="").first()
        if audience and channel:
            yield _delivery(event, f"chat:{channel.pk}", channel=channel)


def _hears(webhook: Webhook, event: AuditEvent, said: Announcement, secret: set[str]) -> bool:
    """What its team owns; a webhook of the whole portal hears what everybody may read. Nothing from before it was."""
    if said.name not in webhook.events or event.recorded_at < webhook.created_at:
        return False
    return event.team == webhook.team.slug if webhook.team else event.family not in secret


def _delivery(event: AuditEvent, place: str, **to: Any) -> Delivery:
    return Delivery(event=event, destination=place, tries_left=settings.WEBHOOK_TRIES, **to)
