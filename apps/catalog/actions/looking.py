"""Looking at a decision again: it goes on waiting, or somebody says whether it was right."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.audit.actions import record
from apps.catalog.checking import changed, check_reason
from apps.catalog.events import Event
from apps.catalog.models import Decision
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def postpone_again(*, actor: User, decision: Decision, until: date, reason: str) -> Decision:
    """Somebody has looked, and waiting is still right: it is looked at again on `until`."""
    require(actor, "catalog.look_again", decision)
    check_reason(reason, "Say why it is still right to wait.")
    if until <= timezone.localdate():
        raise Invalid("Choose a day in the future on which to look again.", field="until")
    decision.refresh_from_db(from_queryset=Decision.objects.select_for_update())
    if decision.status != Decision.Status.ACCEPTED or decision.look_again_on is None:
        raise Conflict(f"{decision.label} does not wait for anything.")
    values = {"postponed_to": until, "postponed_times": decision.postponed_times + 1, **Decision.NOT_DUE}
    Decision.objects.filter(pk=decision.pk).update(**values)
    record(actor=actor, action=Event.DECISION_POSTPONED, target=decision, after={"until": str(until)}, note=reason)
    decision.refresh_from_db()
    return decision


@transaction.atomic
def look_back(*, actor: User, decision: Decision, verdict: str, text: str = "", at: datetime | None = None) -> Decision:
    """Was it right, seen from now? `verdict` is one of Decision.Verdict, `text` Markdown."""
    require(actor, "catalog.look_back", decision)
    if decision.decided_on is None:
        raise Conflict(f"{decision.label} is not decided yet; there is nothing to look back at.")
    day = at.date() if at else timezone.localdate()
    before = {"verdict": decision.verdict}
    edited = changed(decision, verdict=verdict, looking_back=text, looked_back_on=day, **Decision.NOT_DUE)
    if not verdict:
        raise Invalid("Say whether it was right, wrong, too early, too late, or still unclear.", field="verdict")
    edited.save(update_fields=["verdict", "looking_back", "looked_back_on", *Decision.NOT_DUE])
    record(actor=actor, action=Event.DECISION_LOOKED_BACK, target=edited, before=before, after={"verdict": verdict},
           note=text[:500], at=at)  # fmt: skip
    return edited
