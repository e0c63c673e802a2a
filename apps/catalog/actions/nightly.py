"""What time does: days and triggers come, exceptions end. Run as often as one likes, each thing happens once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.queries import board
from apps.audit.actions import record
from apps.catalog.costs import cost_of
from apps.catalog.events import Event
from apps.catalog.models import Decision, FeatureGap, Usage
from apps.core.transitions import move

if TYPE_CHECKING:
    from apps.accounts.models import User

SOON = timedelta(days=30)
"""An exception's end is announced this long before."""
Status, Trigger = Decision.Status, Decision.Trigger


def keep_dates(*, today: date | None = None) -> dict[str, int]:
    """Ends exceptions whose day has passed, and reminds owners of what is due; answers how many of each."""
    day = today or timezone.localdate()
    return {"ended": sum(map(_ended, _overdue(day))), "due": sum(_due(pk, day) for pk in _waiting(day))}


def _overdue(day: date) -> list[int]:
    held = Decision.objects.exceptions().filter(status=Status.ACCEPTED, expires_on__lt=day)
    return list(held.order_by("pk").values_list("pk", flat=True))


def _waiting(day: date) -> list[int]:
    """Decisions that nobody is reminded of yet, and that have a day, a trigger or an end that may have come."""
    live = Decision.objects.filter(status__in=[Status.ACCEPTED, Status.PROPOSED], due_since=None)
    looked_for = ~Q(trigger_kind=Trigger.MANUAL) | Q(revisit_on__lte=day) | Q(postponed_to__lte=day)
    ending = Q(expires_on__lte=day + SOON, expires_on__gte=day)
    return list(live.filter(looked_for | ending).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _ended(pk: int) -> bool:
    decision = _locked(pk)
    actor = _answerable(decision)
    if decision.status != Status.ACCEPTED or actor is None:
        return False
    move(decision, Status.EXPIRED, due_since=None, due_because="")
    record(actor=actor, action=Event.EXCEPTION_EXPIRED, target=decision, after={"expires_on": str(decision.expires_on)})
    return True


@transaction.atomic
def _due(pk: int, day: date) -> bool:
    decision = _locked(pk)
    actor, because = _answerable(decision), _because(decision, day)
    if decision.due_since is not None or not because or actor is None:
        return False
    Decision.objects.filter(pk=pk).update(due_since=day, due_because=because, **_met(decision, because, day))
    record(actor=actor, action=Event.DECISION_DUE, target=decision, after={"because": because})
    return True


def _met(decision: Decision, because: str, day: date) -> dict[str, date]:
    """The day of a trigger is kept, for the tally of what the world has delivered."""
    triggered = because not in (DAY_HAS_COME, _ends(decision)) and decision.trigger_met_on is None
    return {"trigger_met_on": day} if triggered else {}


DAY_HAS_COME = "The day to look again has come."


def _because(decision: Decision, day: date) -> str:
    """Why its owner is reminded now; empty while nothing has come."""
    if decision.expires_on and day <= decision.expires_on <= day + SOON and decision.is_exception:
        return _ends(decision)
    if decision.trigger_met_on is None and (came := TRIGGERS[decision.trigger_kind](decision)):
        return came
    return DAY_HAS_COME if decision.has_day_come(day) else ""


def _ends(decision: Decision) -> str:
    return f"The exception ends on {decision.expires_on}."


def _shipped(decision: Decision) -> str:
    gap = decision.trigger_gap
    return f"Upstream has shipped: {gap}."[:300] if gap and gap.upstream == FeatureGap.Upstream.SHIPPED else ""


def _offered(decision: Decision) -> str:
    """An offering that was not there when it was decided."""
    tool = decision.trigger_tool
    if tool is None or not decision.known:
        return ""
    before = decision.known.get("tools", {}).get(tool.slug, {}).get("offerings", "").split(", ")
    fresh = [name for name in tool.live_offerings if name not in before]
    return f"{tool} is now offered by {', '.join(fresh)}."[:300] if fresh else ""


def _used_by_more(decision: Decision) -> str:
    if decision.trigger_tool is None or decision.trigger_limit is None:
        return ""
    users = Usage.objects.live().filter(tool=decision.trigger_tool).values("kind", "name").distinct().count()
    over = users > decision.trigger_limit
    return f"{decision.trigger_tool} is used in {users} places, more than {decision.trigger_limit}." if over else ""


def _costs_more(decision: Decision) -> str:
    """By the inputs of the chosen option: the upper end, a year."""
    option = decision.options.filter(chosen=True).first()
    cost = cost_of(option.costs) if option else None
    if cost is None or cost.total is None or not cost.years or decision.trigger_limit is None:
        return ""
    a_year, limit = cost.total.high / cost.years, decision.trigger_limit
    return f"It may cost {a_year:,.0f} a year, more than {limit:,}." if a_year > limit else ""


TRIGGERS = {
    Trigger.MANUAL.value: lambda decision: "",
    Trigger.SHIPS.value: _shipped,
    Trigger.OFFERING.value: _offered,
    Trigger.USAGE.value: _used_by_more,
    Trigger.COST.value: _costs_more,
}


def _locked(pk: int) -> Decision:
    related = ("owner", "proposer", "author", "trigger_gap", "trigger_tool")
    return Decision.objects.select_related(*related).select_for_update(of=("self",)).get(pk=pk)


def _answerable(decision: Decision) -> User | None:
    """Whose decision it is; somebody of the board when they have left."""
    people = (decision.owner, decision.proposer, decision.author)
    return next((person for person in people if person and person.is_active), None) or board().first()
