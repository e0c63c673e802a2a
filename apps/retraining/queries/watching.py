"""Reads of signals, incidents, policies and what they decided; and a policy played through the past."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, QuerySet
from django.utils import timezone

from apps.accounts.queries import team_ids_of
from apps.core.errors import Missing
from apps.registry import queries as registry
from apps.retraining.causes import Cause, fallen_champions, old_champions
from apps.retraining.freezing import choose_segments
from apps.retraining.models import Firing, Incident, Policy, Signal
from apps.retraining.occasions import Rules, Situation, decide, due_times

if TYPE_CHECKING:
    from apps.accounts.models import User

LONGEST_REHEARSAL_DAYS = 366


@dataclass(frozen=True)
class Rehearsed:
    """What a policy would have decided."""

    at: datetime
    fires: bool
    reason: str
    segments: Sequence[str]


def signals(actor: "User") -> QuerySet[Signal]:
    """The newest first, of families that the actor may see."""
    seen = Signal.objects.filter(family__in=registry.families_seen(actor))
    return seen.select_related("family__team", "segment", "sent_by", "incident").order_by("-id")


def signal(*, actor: "User", signal_id: int) -> Signal:
    """Raises Missing."""
    found = signals(actor).filter(pk=signal_id).first()
    if found is None:
        raise Missing(f"There is no signal #{signal_id} here, or you may not see it.")
    return found


def incidents(actor: "User") -> QuerySet[Incident]:
    """Open ones first, then the newest; each with how many segments it is about."""
    seen = Incident.objects.filter(family__in=registry.families_seen(actor)).select_related("family__team", "closed_by")
    return seen.annotate(segments=Count("signals__segment", distinct=True)).order_by("-closed_at", "-id")


def incident(*, actor: "User", incident_id: int) -> Incident:
    """Raises Missing."""
    found = incidents(actor).filter(pk=incident_id).first()
    if found is None:
        raise Missing(f"There is no incident #{incident_id} here, or you may not see it.")
    return found


def policies(actor: "User") -> QuerySet[Policy]:
    seen = Policy.objects.filter(family__in=registry.families_seen(actor))
    return seen.select_related("family__team", "family__dimension", "pipeline__team", "owner").order_by("name", "id")


def policy(*, actor: "User", policy_id: int) -> Policy:
    """Raises Missing."""
    found = policies(actor).filter(pk=policy_id).first()
    if found is None:
        raise Missing(f"There is no policy #{policy_id} here, or you may not see it.")
    return found


def firings(actor: "User") -> QuerySet[Firing]:
    """Every decision of every policy, also those not to fire, the newest first."""
    seen = Firing.objects.filter(policy__family__in=registry.families_seen(actor))
    return seen.select_related("policy__family__team", "policy__pipeline", "policy__owner", "decided_by").order_by(
        "-id"
    )


def firing(*, actor: "User", firing_id: int) -> Firing:
    """Raises Missing."""
    found = firings(actor).filter(pk=firing_id).first()
    if found is None:
        raise Missing(f"There is no firing #{firing_id} here, or you may not see it.")
    return found


def suggestions_for(actor: "User") -> QuerySet[Firing]:
    """What waits for a word of this person: suggestions for families of their teams."""
    suggested = firings(actor).filter(outcome=Firing.Outcome.SUGGESTED, policy__family__team__in=team_ids_of(actor))
    return suggested.select_related(None).select_related("policy__family")


def open_incidents_for(actor: "User") -> QuerySet[Incident]:
    """Incidents of families of this person's teams that nobody has closed."""
    return incidents(actor).filter(closed_at=None, family__team__in=team_ids_of(actor))


def rehearse(policy: Policy, *, days: int, now: datetime | None = None) -> list[Rehearsed]:
    """What the policy would have decided in the last `days`, had it been there; freezes and other requests left out.

    Signals are those that were stored. Ages and metrics are only known as of now: at most one decision for them.
    """
    now = now or timezone.now()
    rules = Rules(timedelta(hours=policy.cool_down_hours), policy.daily_cap)
    situation = Situation(at=now, segments=(), last={})
    played: list[Rehearsed] = []
    for at, cause, segments in _past_occasions(policy, now - timedelta(days=min(days, LONGEST_REHEARSAL_DAYS)), now):
        started = sum(len(one.segments) for one in played if one.fires and at - one.at < timedelta(days=1))
        situation = replace(situation, at=at, segments=segments, runs_within_a_day=started)
        decision = decide(cause, situation, rules)
        situation = replace(situation, last={**situation.last, **dict.fromkeys(decision.segments, at)})
        played.append(Rehearsed(at, decision.fires, decision.reason, decision.segments))
    return played


def _past_occasions(policy: Policy, since: datetime, until: datetime) -> Iterator[tuple[datetime, str, Sequence[str]]]:
    chosen = [segment.slug for segment in choose_segments(policy.family, policy.segments)]
    if policy.trigger == Policy.Trigger.SCHEDULE:
        for at in due_times(policy.cron, policy.time_zone, since, until):
            yield at, f"It was due at {at:%Y-%m-%d %H:%M} UTC.", chosen
    elif policy.trigger == Policy.Trigger.SIGNAL:
        yield from _past_signals(policy, since, until, chosen)
    elif policy.trigger == Policy.Trigger.AGE:
        yield from _as_of_now(until, old_champions(policy, chosen))
    else:
        yield from _as_of_now(until, fallen_champions(policy, chosen))


def _as_of_now(now: datetime, found: Cause | None) -> Iterator[tuple[datetime, str, Sequence[str]]]:
    if found and found.segments:
        yield now, found.sentence, found.segments


def _past_signals(
    policy: Policy, since: datetime, until: datetime, chosen: Sequence[str]
) -> Iterator[tuple[datetime, str, Sequence[str]]]:
    stored = Signal.objects.filter(family=policy.family, observed_at__range=(since, until), incident=None)
    if policy.kinds:
        stored = stored.filter(kind__in=policy.kinds)
    in_a_row: dict[tuple[int | None, str], int] = {}
    for signal in stored.select_related("segment").order_by("observed_at", "id"):
        about = (signal.segment_id, signal.kind)
        in_a_row[about] = in_a_row.get(about, 0) + 1 if signal.is_alarm else 0
        if signal.is_alarm and in_a_row[about] >= policy.in_a_row:
            named = [signal.segment.slug] if signal.segment else list(chosen)
            yield signal.observed_at, f"Signal #{signal.pk}: {signal.summary}", [one for one in named if one in chosen]
