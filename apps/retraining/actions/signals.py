"""What the world says: stored once, settled after a moment, and many at once made one incident."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.retraining.events import Event
from apps.retraining.models import Incident, Signal
from apps.retraining.occasions import STORM_WITHIN, is_storm
from apps.retraining.reports import read_report

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily, Segment

AHEAD_AT_MOST = timedelta(hours=1)  # clocks differ; a report from tomorrow is a mistake
LONGEST_NOTE = 2_000
SETTLED_AT_ONCE = 1_000


def receive_signal(
    *,
    actor: User,
    family: ModelFamily,
    source: str,
    report: Any,
    segment: Segment | None = None,
    observed_at: datetime | None = None,
    window: tuple[date, date] | None = None,
) -> tuple[Signal, bool]:
    """The signal, and whether it is new: the same report about the same segment is stored once.

    Raises Invalid for a shape that is not the source's, naming what is missing.
    """
    require(actor, "retraining.signal", family)
    read = read_report(source, report)
    signal = Signal(
        family=family,
        segment=segment,
        source=source,
        kind=read.kind,
        is_alarm=read.is_alarm,
        summary=read.summary,
        readings=read.as_json(),
        window_first=window and window[0],
        window_last=window and window[1],
        observed_at=_checked(observed_at),
        sent_by=actor,
        digest=_digest_of(report, observed_at, window),
    )
    if window and window[1] < window[0]:
        raise Invalid("The last day of a window is not before its first.", field="window_last")
    return _stored(signal)


@transaction.atomic
def settle_signals() -> int:
    """Looks at what came in and has lain for a moment: storms become incidents. Answers how many were looked at.

    The moment is what tells a storm from its first drop: only when its neighbours have arrived, too, is it known.
    """
    rested = Now() - timedelta(seconds=settings.SIGNAL_SETTLE_SECONDS)
    fresh = Signal.objects.filter(settled_at=None, received_at__lte=rested)
    signals = list(
        fresh.select_for_update(of=("self",), skip_locked=True, no_key=True)
        .select_related("family__dimension", "family__team", "sent_by", "segment")
        .order_by("id")[:SETTLED_AT_ONCE]
    )
    for group in _grouped(signals).values():
        _settle(group)
    return len(signals)


@transaction.atomic
def close_incident(*, actor: User, incident: Incident, note: str) -> Incident:
    """Somebody has looked upstream; what comes later may be another. Raises Conflict when it is closed."""
    require(actor, "retraining.close_incident", incident)
    if not note.strip():
        raise Invalid("Say what it was: whoever sees the next one reads it.", field="note")
    changes = {"closed_at": Now(), "closed_by": actor, "note": note.strip()[:LONGEST_NOTE]}
    if not Incident.objects.filter(pk=incident.pk, closed_at=None).update(**changes):
        raise Conflict(f"Incident #{incident.pk} is closed already.")
    incident.refresh_from_db()
    record(actor=actor, action=Event.INCIDENT_CLOSED, target=incident, note=incident.note)
    return incident


@transaction.atomic
def set_signal_aside(*, actor: User, signal: Signal, reason: str) -> Signal:
    """It no longer keeps anything from training. Raises Conflict when it was set aside before."""
    require(actor, "retraining.close_incident", signal)
    if not reason.strip():
        raise Invalid("Say why the data can be trusted after all.", field="reason")
    changes = {"set_aside_at": Now(), "set_aside_because": reason.strip()[:LONGEST_NOTE]}
    if not Signal.objects.filter(pk=signal.pk, set_aside_at=None).update(**changes):
        raise Conflict(f"Signal #{signal.pk} was set aside already.")
    signal.refresh_from_db()
    record(actor=actor, action=Event.SIGNAL_SET_ASIDE, target=signal, note=signal.set_aside_because)
    return signal


def _checked(observed_at: datetime | None) -> datetime:
    now = timezone.now()
    if observed_at and observed_at > now + AHEAD_AT_MOST:
        raise Invalid("'observed_at' lies in the future; check the sender's clock and time zone.", field="observed_at")
    return observed_at or now


def _digest_of(report: Any, *when: Any) -> str:
    """The same words about another time are another signal, where the sender says the time."""
    text = json.dumps([report, *when], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _stored(signal: Signal) -> tuple[Signal, bool]:
    same = Signal.objects.filter(family=signal.family, segment=signal.segment, digest=signal.digest)
    if known := same.first():
        return known, False
    try:
        with transaction.atomic():
            signal.save(force_insert=True)
    except IntegrityError:  # the same report, at the same moment
        return same.get(), False
    signal.refresh_from_db(fields=["received_at"])
    return signal, True


def _grouped(signals: Iterable[Signal]) -> dict[tuple[int, str], list[Signal]]:
    groups: dict[tuple[int, str], list[Signal]] = {}
    for signal in signals:
        groups.setdefault((signal.family_id, signal.kind), []).append(signal)
    return groups


def _settle(group: list[Signal]) -> None:
    """One family's signals of one kind."""
    alarms = [signal for signal in group if signal.is_alarm]
    incident = _incident(alarms) if alarms else None
    caught = {signal.pk for signal in alarms if incident and _within(signal, alarms)}
    Signal.objects.filter(pk__in=caught).update(incident=incident)
    Signal.objects.filter(pk__in=[signal.pk for signal in group]).update(settled_at=Now())


def _within(signal: Signal, alarms: list[Signal]) -> bool:
    return max(one.observed_at for one in alarms) - signal.observed_at <= STORM_WITHIN


def _incident(alarms: list[Signal]) -> Incident | None:
    """The incident that these alarms are part of; opened when they are the first of a storm."""
    newest = max(alarms, key=lambda signal: signal.observed_at)
    family, kind = newest.family, newest.kind
    within_a_day = Signal.objects.filter(
        family=family,
        kind=kind,
        is_alarm=True,
        segment__isnull=False,
        observed_at__range=(newest.observed_at - STORM_WITHIN, newest.observed_at),
    )
    alarmed = within_a_day.order_by().values("segment").distinct().count()
    segments = family.dimension.segments.served().count()
    if not is_storm(alarmed, segments):
        return None
    incident, opened = Incident.objects.get_or_create(family=family, kind=kind, closed_at=None)
    if opened:
        what = {"segments": f"{alarmed} of {segments}"}
        record(actor=newest.sent_by, action=Event.INCIDENT_OPENED, target=incident, after=what)
    within_a_day.filter(incident=None, settled_at__isnull=False).update(incident=incident)
    return incident
