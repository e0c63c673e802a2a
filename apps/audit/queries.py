"""Reads of history."""

from django.db.models import Max, Model

from apps.audit.models import AuditEvent, EventQuerySet


def timeline(*targets: Model) -> EventQuerySet:
    """What happened to these things, newest first. The caller has checked that the reader may see them."""
    events = AuditEvent.objects.none()
    for target in targets:
        events = events | AuditEvent.objects.of(target)
    return events.order_by("-id")


def events_of_family(family: str, *, app: str) -> EventQuerySet:
    """What happened in a family to things of one app, newest first. The caller has checked the reader as above."""
    return AuditEvent.objects.filter(family=family, target_type__startswith=f"{app}.").order_by("-id")


def together(event: AuditEvent) -> EventQuerySet:
    """The events of one action on several things: same word, same family, written in the same transaction."""
    same = AuditEvent.objects.filter(transaction=event.transaction, action=event.action, family=event.family)
    return same.order_by("id")


def last_transaction() -> int:
    """The highest number of a transaction that wrote history; 0 where there is none."""
    return AuditEvent.objects.aggregate(last=Max("transaction", default=0))["last"]  # type: ignore[no-any-return]


def outbox(*, after: tuple[int, int], limit: int) -> list[AuditEvent]:
    """The next settled events behind the cursor (transaction, id), in their final order; only whole transactions, so
    that what was done together is read together (of a transaction larger than the limit, more).
    """
    settled = AuditEvent.objects.settled().after(*after)
    events = list(settled[: limit + 1])
    if len(events) <= limit:
        return events
    last = events[-1].transaction
    whole = [event for event in events if event.transaction != last]
    return whole or list(settled.filter(transaction=last))
