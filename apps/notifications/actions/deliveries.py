"""Verbs of deliveries: claimed by one worker at a time, ended by that one only, sent again by a person."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from apps.audit.actions import record
from apps.core.doorbell import ring
from apps.core.errors import Conflict
from apps.core.permissions import require
from apps.core.transitions import move
from apps.notifications.events import Event
from apps.notifications.models import Attempt, Delivery

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.notifications.carriers import Outcome

FIRST_WAIT = 2.0  # seconds before the second try; four times as long before each further one
LONGEST_WAIT = 6 * 3_600.0  # whatever a receiver asks for
JITTER = 0.25  # of the wait, so that a receiver that comes back is not met by all at once
GONE = "The worker that sent it is gone; it may have arrived."


@dataclass(frozen=True)
class Claimed:
    """A delivery that this worker alone may send, with the number of its try as the fence."""

    delivery: Delivery
    attempt: int


@transaction.atomic
def claim_delivery() -> Claimed | None:
    """The longest due one, of a destination to which nothing is under way: a slow receiver holds up only itself."""
    busy = Delivery.objects.in_flight().values("destination")
    free = Delivery.objects.due().exclude(destination__in=busy)
    row = free.select_for_update(of=("self",), skip_locked=True, no_key=True).first()
    if row is None:
        return None
    lease = Now() + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
    move(row, Delivery.Status.SENDING, attempt=F("attempt") + 1, tries_left=F("tries_left") - 1, lease_until=lease)
    delivery = Delivery.objects.select_related("event", "webhook", "person", "channel").get(pk=row.pk)
    return Claimed(delivery, delivery.attempt)


@transaction.atomic
def finish_delivery(*, claimed: Claimed, outcome: Outcome, seconds: float) -> None:
    """Keeps what came of the try. Raises Conflict for a worker that has lost its claim: another one has taken over."""
    delivery = claimed.delivery
    told = {"response_status": outcome.status, "problem": outcome.problem}
    status, changes = _end(delivery, outcome)
    guard = {"attempt": claimed.attempt}
    move(delivery, status, guard=guard, lease_until=None, **told, **changes)
    Attempt.objects.create(delivery=delivery, number=claimed.attempt, seconds=seconds, **told)


def take_back() -> int:
    """What lost workers held is sent again by others; answers how many."""
    lost = list(Delivery.objects.lost().order_by("lease_until")[:100])
    return sum(_take_back(delivery) for delivery in lost)


@transaction.atomic
def send_again(*, actor: User, delivery: Delivery) -> Delivery:
    """Once more, under the same delivery id: a receiver that has it already can tell. Raises Conflict while it is
    still on its way, and for a webhook that is switched off.
    """
    require(actor, "notifications.edit_webhook", delivery.webhook)
    if delivery.webhook and not delivery.webhook.is_active:
        raise Conflict(f"{delivery.webhook} is switched off or deleted; switch it on first.")
    tries = settings.WEBHOOK_TRIES
    move(delivery, Delivery.Status.WAITING, next_at=Now(), tries_left=tries, ended_at=None, problem="")
    record(actor=actor, action=Event.SENT_AGAIN, target=delivery)
    ring("notifications.send")
    return delivery


def _end(delivery: Delivery, outcome: Outcome) -> tuple[str, dict[str, Any]]:
    """The status that follows the try, and when it is tried again or that it has ended."""
    if outcome.taken:
        return Delivery.Status.DELIVERED, {"ended_at": Now()}
    if outcome.dropped:
        return Delivery.Status.DROPPED, {"ended_at": Now()}
    if outcome.final or delivery.tries_left <= 0:
        return Delivery.Status.FAILED, {"ended_at": Now()}
    return Delivery.Status.WAITING, {"next_at": Now() + timedelta(seconds=_wait(delivery, outcome.wait))}


def _wait(delivery: Delivery, asked: float | None) -> float:
    """Seconds until the next try: grows with each, and is never shorter than the receiver asked for."""
    tried = max(0, settings.WEBHOOK_TRIES - delivery.tries_left - 1)
    own = FIRST_WAIT * 4**tried * (1 + random.uniform(0, JITTER))  # noqa: S311  no secret
    return min(LONGEST_WAIT, max(own, asked or 0.0))


@transaction.atomic
def _take_back(delivery: Delivery) -> bool:
    over = delivery.tries_left <= 0
    status = Delivery.Status.FAILED if over else Delivery.Status.WAITING
    ended = {"ended_at": Now()} if over else {"next_at": Now()}
    try:
        move(delivery, status, guard={"attempt": delivery.attempt}, lease_until=None, problem=GONE, **ended)
    except Conflict:  # it came back in the last moment
        return False
    Attempt.objects.create(delivery=delivery, number=delivery.attempt, seconds=0.0, problem=GONE)
    return True
