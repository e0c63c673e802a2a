"""The one way to write history."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Model

from apps.audit.models import AuditEvent, identity
from apps.audit.words import Word
from apps.core.context import Boundary, current
from apps.core.permissions import Actor, boundary_of


def record(
    *,
    actor: Actor,
    action: Word,
    target: Model,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    note: str = "",
    at: datetime | None = None,
) -> AuditEvent:
    """One event, in the caller's transaction: what is announced has happened, what happened is announced."""
    event = _event(actor, action, target, before or {}, after or {}, note, at)
    event.save(force_insert=True)
    return event


def record_many(
    *,
    actor: Actor,
    action: Word,
    targets: Iterable[tuple[Model, Mapping[str, Any], Mapping[str, Any]]],
    note: str = "",
    at: datetime | None = None,
) -> None:
    """One event each for (target, before, after), in one INSERT."""
    events = [_event(actor, action, target, before, after, note, at) for target, before, after in targets]
    AuditEvent.objects.bulk_create(events)


def shift_transactions(*, by: int) -> None:
    """For a database that was restored: another server counts its transactions anew, and what it writes comes after
    all that is here. Order, and what belongs together, stay.
    """
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_auditevent SET transaction = transaction - %s", [by])
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER USER")


def _event(
    actor: Actor,
    action: Word,
    target: Model,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    note: str,
    at: datetime | None,
) -> AuditEvent:
    boundary = boundary_of(target) or Boundary()
    context = current()
    event = AuditEvent(
        actor_id=actor.pk,
        actor_name=str(actor),
        actor_username=actor.username,
        door=context.door,
        credential=context.credential.name if context.credential else "",
        action=action.value,
        target_type=target._meta.label_lower,
        target_id=identity(target),
        target_name=str(target)[:300],
        team=boundary.team,
        family=boundary.family,
        before=dict(before),
        after=dict(after),
        note=note,
    )
    if at is not None:
        event.at = at
    return event
