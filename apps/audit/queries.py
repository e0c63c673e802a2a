"""Reads of history."""

from django.db.models import Model

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


def outbox(*, after: tuple[int, int], limit: int) -> list[AuditEvent]:
    """The next settled events behind the cursor (transaction, id), in their final order."""
    return list(AuditEvent.objects.settled().after(*after)[:limit])
