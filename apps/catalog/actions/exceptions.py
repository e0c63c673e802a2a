"""Exceptions: asked for again before, or after, they end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit.actions import record
from apps.catalog.actions.deciding import propose_decision
from apps.catalog.actions.decisions import Text, draft_decision
from apps.catalog.checking import check_reason
from apps.catalog.events import Event
from apps.catalog.models import Decision
from apps.core.errors import Conflict, Exists, Invalid
from apps.core.permissions import require

if TYPE_CHECKING:
    from apps.accounts.models import User

Status = Decision.Status
RENEWABLE = (Status.ACCEPTED, Status.EXPIRED)


@transaction.atomic
def renew_exception(*, actor: User, decision: Decision, until: date, reason: str) -> Decision:
    """Asks the board for the same exception again, until another day; accepted, it takes the place of the old one.

    Raises Exists while another renewal of it is open.
    """
    require(actor, "catalog.ask_exception", decision.team)
    check_reason(reason, "Say why it is still needed: the board reads how often it was renewed.")
    _check_renewable(decision, until)
    owner = decision.owner or actor
    text = replace(Text.of(decision), context=reason, expires_on=until, renews=decision, owner=owner)
    renewed = draft_decision(actor=actor, text=text)
    record(actor=actor, action=Event.EXCEPTION_RENEWED, target=decision, after={"by": renewed.label}, note=reason)
    return propose_decision(actor=actor, decision=renewed)


def _check_renewable(decision: Decision, until: date) -> None:
    decision.refresh_from_db(from_queryset=Decision.objects.select_for_update())
    if not decision.is_exception or decision.status not in RENEWABLE:
        raise Conflict(f"{decision.label} is no exception that holds or has ended; ask for a new one.")
    if decision.expires_on is None or until <= decision.expires_on:
        raise Invalid(f"Choose a day after {decision.expires_on}, on which it ends now.", field="until")
    if decision.renewed_by.exclude(status__in=[Status.CLOSED, Status.EXPIRED]).exists():
        raise Exists(f"A renewal of {decision.label} is written already; look at the list of decisions.")
