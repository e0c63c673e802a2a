"""The steps by which policies look for occasions and decide.

A policy acts as its owner through the same verbs as a person would: what the owner may not do, it does not do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Now
from django.utils import timezone

from apps.core.errors import PortalError
from apps.registry import queries as registry
from apps.retraining.actions.requests import submit_request
from apps.retraining.causes import fallen_champions, old_champions, signalled
from apps.retraining.freezing import choose_segments
from apps.retraining.models import Firing, Policy, Signal
from apps.retraining.occasions import Decision, Rules, Situation, decide, due_times
from apps.retraining.queries import being_retrained, last_retrained

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily
    from apps.retraining.models import RetrainingRequest

DAY = timedelta(hours=24)
LOOKED_AT_TWICE = timedelta(minutes=1)
"""Signals may be settled by a transaction that is seen later than its time; each is decided about once anyhow."""
LONGEST_GATHERING = timedelta(hours=1)
"""Alarms that follow each other closely are one occasion, but the first of them waits no longer than this."""
Outcome = Firing.Outcome


@dataclass(frozen=True)
class Occasion:
    """`key` names it once and for all for its policy, `cause` is the sentence what happened."""

    key: str
    cause: str
    segments: Sequence[str]
    signals: Sequence[int] = ()


def watch_policies() -> None:
    """Each awake policy looks for its occasion; one that breaks does not keep the others from theirs."""
    for policy_id in Policy.objects.awake().order_by("id").values_list("pk", flat=True):
        _watch(policy_id)


@transaction.atomic
def _watch(policy_id: int) -> None:
    policies = Policy.objects.awake().select_related("family__team", "family__dimension", "pipeline__team", "owner")
    policy = policies.select_for_update(of=("self",), skip_locked=True, no_key=True).filter(pk=policy_id).first()
    if policy is None:
        return
    for occasion in OCCASIONS[policy.trigger](policy):
        _decide(policy, occasion)


def _on_schedule(policy: Policy) -> Iterable[Occasion]:
    """Of several times that passed, because nothing watched, only the newest counts."""
    now = timezone.now()
    due = list(due_times(policy.cron, policy.time_zone, policy.looked_at, now))
    Policy.objects.filter(pk=policy.pk).update(looked_at=now)
    if due:
        missed = f" {len(due) - 1} earlier times had passed unseen." if len(due) > 1 else ""
        yield Occasion(due[-1].isoformat(), f"It was due at {due[-1]:%Y-%m-%d %H:%M} UTC.{missed}", _all_of(policy))


def _on_signals(policy: Policy) -> Iterable[Occasion]:
    """Alarms that have settled since it last looked and are part of no incident: all of them are one occasion."""
    alarms = _fresh_alarms(policy)
    if alarms and _more_are_coming(policy, alarms):
        return
    Policy.objects.filter(pk=policy.pk).update(looked_at=timezone.now())
    alarms = [signal for signal in alarms if _in_a_row(signal, policy.in_a_row)]
    if alarms:
        segments = _segments_of(alarms, _all_of(policy))
        yield Occasion(f"signals:{alarms[0].pk}", signalled(alarms), segments, [signal.pk for signal in alarms])


def _fresh_alarms(policy: Policy) -> list[Signal]:
    since = max(policy.looked_at - LOOKED_AT_TWICE, policy.created_at)
    alarms = Signal.objects.filter(family=policy.family, is_alarm=True, settled_at__gt=since, incident=None)
    if policy.kinds:
        alarms = alarms.filter(kind__in=policy.kinds)
    found = list(alarms.select_related("segment").order_by("id"))
    about = policy.firings.filter(signals__overlap=[signal.pk for signal in found]).values_list("signals", flat=True)
    decided = {pk for signals in about for pk in signals}
    return [signal for signal in found if signal.pk not in decided]


def _more_are_coming(policy: Policy, alarms: Sequence[Signal]) -> bool:
    first = min(signal.settled_at for signal in alarms if signal.settled_at)
    unsettled = Signal.objects.filter(family=policy.family, is_alarm=True, settled_at=None)
    return first > timezone.now() - LONGEST_GATHERING and unsettled.exists()


def _segments_of(alarms: Sequence[Signal], chosen: Sequence[str]) -> list[str]:
    """Those of the policy that the alarms are about; an alarm without a segment is about all."""
    about = {signal.segment.slug if signal.segment else None for signal in alarms}
    return [slug for slug in chosen if slug in about or None in about]


def _in_a_row(signal: Signal, wanted: int) -> bool:
    """Whether the newest words about this segment, up to this one, are so many alarms."""
    until = Signal.objects.filter(
        family=signal.family_id, segment=signal.segment_id, kind=signal.kind, observed_at__lte=signal.observed_at
    )
    newest = list(until.order_by("-observed_at", "-id").values_list("is_alarm", flat=True)[:wanted])
    return len(newest) == wanted and all(newest)


def _on_age(policy: Policy) -> Iterable[Occasion]:
    """Once for each newest day with labels: ages count from it, and change only with it."""
    day = _undecided_day(policy)
    found = old_champions(policy, _all_of(policy)) if day else None
    if found and found.segments:
        yield Occasion(day, found.sentence, found.segments)


def _on_metric(policy: Policy) -> Iterable[Occasion]:
    """Once for each newest day with labels, when every champion's evaluation on its month is over."""
    day = _undecided_day(policy)
    found = fallen_champions(policy, _all_of(policy)) if day else None
    if found:
        yield Occasion(day, found.sentence, found.segments)


def _undecided_day(policy: Policy) -> str:
    """The key of the newest day with labels; empty where there is none, or it was decided about.

    Whoever changes the policy or resumes it asks anew, unless something was started for that day already.
    """
    day = policy.family.labelled_until
    key = f"{day} {policy.looked_at.isoformat()}"
    began = Q(occasion__startswith=str(day), outcome__in=(Outcome.STARTED, Outcome.TAKEN))
    return key if day and not policy.firings.filter(began | Q(occasion=key)).exists() else ""


OCCASIONS = {
    Policy.Trigger.SCHEDULE.value: _on_schedule,
    Policy.Trigger.SIGNAL.value: _on_signals,
    Policy.Trigger.AGE.value: _on_age,
    Policy.Trigger.METRIC.value: _on_metric,
}


def _decide(policy: Policy, occasion: Occasion) -> None:
    if policy.firings.filter(occasion=occasion.key).exists():
        return
    decision = decide(occasion.cause, _situation(policy, occasion.segments), _rules_of(policy))
    if not decision.fires:
        _note(policy, occasion, Outcome.DID_NOT_FIRE, decision)
    elif policy.starts:
        _start(policy, occasion, decision)
    else:
        _suggest(policy, occasion, decision)


def _start(policy: Policy, occasion: Occasion, decision: Decision) -> None:
    try:
        with transaction.atomic():
            request = _request(policy, occasion, decision)
    except PortalError as error:
        refused = Decision(decision.segments, f"{decision.reason} It did not fire because: {error.message}")
        _note(policy, occasion, Outcome.DID_NOT_FIRE, refused)
    else:
        policy.firings.filter(outcome=Outcome.SUGGESTED).update(outcome=Outcome.SUPERSEDED)
        _note(policy, occasion, Outcome.STARTED, decision, request=request)


def _request(policy: Policy, occasion: Occasion, decision: Decision) -> RetrainingRequest:
    return submit_request(
        actor=policy.owner,
        pipeline=policy.pipeline,
        family=policy.family,
        parameters=policy.parameters,
        segments=decision.segments,
        reason=f"{policy.name}: {decision.reason}",
        key=f"policy-{policy.pk}-{occasion.key}"[:100],
        after_success=policy.after_success,
    )


def _suggest(policy: Policy, occasion: Occasion, decision: Decision) -> None:
    """One suggestion of a policy waits at a time: a newer one takes the older one's segments up."""
    waiting = policy.firings.select_for_update(no_key=True).filter(outcome=Outcome.SUGGESTED)
    older = {slug for firing in waiting for slug in firing.segments}
    waiting.update(outcome=Outcome.SUPERSEDED)
    more = sorted(older.difference(decision.segments, being_retrained(policy.family)))
    taken_up = f" With the {len(more)} of the suggestion before it." if more else ""
    whole = Decision((*decision.segments, *more), f"{decision.reason}{taken_up}")
    _note(policy, occasion, Outcome.SUGGESTED, whole)


def _note(policy: Policy, occasion: Occasion, outcome: str, decision: Decision, **more: Any) -> None:
    Firing.objects.create(
        policy=policy,
        occasion=occasion.key,
        outcome=outcome,
        reason=decision.reason,
        segments=list(decision.segments),
        signals=list(occasion.signals),
        **more,
    )


def _situation(policy: Policy, segments: Sequence[str]) -> Situation:
    fired = policy.firings.filter(outcome__in=(Outcome.STARTED, Outcome.TAKEN), at__gt=Now() - DAY)
    runs = fired.aggregate(runs=Sum("segments__len"))["runs"] or 0
    return Situation(
        at=timezone.now(),
        segments=segments,
        last=last_retrained(policy.family, policy.pipeline),
        busy=frozenset(being_retrained(policy.family)),
        runs_within_a_day=runs,
        frozen=_frozen(policy.family),
        suggested=frozenset() if policy.starts else _suggested(policy),
    )


def _suggested(policy: Policy) -> frozenset[str]:
    """Segments that a suggestion for the same pipeline names already, whichever policy made it."""
    waiting = Firing.objects.filter(
        outcome=Outcome.SUGGESTED, policy__pipeline=policy.pipeline_id, policy__family=policy.family_id
    )
    return frozenset(slug for segments in waiting.values_list("segments", flat=True) for slug in segments)


def _frozen(family: ModelFamily) -> str:
    freeze = registry.freeze_on(family)
    return f"{freeze} holds until {freeze.expires_at:%Y-%m-%d %H:%M} UTC: {freeze.reason}" if freeze else ""


def _rules_of(policy: Policy) -> Rules:
    return Rules(cool_down=timedelta(hours=policy.cool_down_hours), daily_cap=policy.daily_cap)


def _all_of(policy: Policy) -> list[str]:
    return [segment.slug for segment in choose_segments(policy.family, policy.segments)]
