"""Verbs of policies, and the steps by which they look for occasions and decide.

A policy acts as its owner through the same verbs as a person would: what the owner may not do, it does not do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.db.models.functions import Now
from django.utils import timezone

from apps.audit.actions import record
from apps.core.errors import Conflict, Exists, Invalid, PortalError
from apps.core.permissions import require
from apps.registry import queries as registry
from apps.retraining.actions.requests import submit_request
from apps.retraining.events import Event
from apps.retraining.freezing import choose_segments
from apps.retraining.models import Firing, Pipeline, Policy, Signal
from apps.retraining.occasions import Decision, Rules, Situation, check_schedule, decide, due_times
from apps.retraining.parameters import validate
from apps.retraining.queries import being_retrained, last_retrained
from apps.retraining.reports import Kind

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily

DAY = timedelta(hours=24)
LOOKED_AT_TWICE = timedelta(minutes=1)
"""Signals may be settled by a transaction that is seen later than its time; an occasion is decided once anyhow."""
LONGEST_NOTE = 2_000
Outcome = Firing.Outcome


@dataclass(frozen=True)
class PolicyTerms:
    """What a policy is, but whose: when it fires, what it asks for, and how much at most."""

    name: str
    trigger: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    segments: Sequence[str] | None = None
    cron: str = ""
    time_zone: str = "UTC"
    kinds: Sequence[str] = ()
    in_a_row: int = 1
    starts: bool = False
    cool_down_hours: int = 24
    daily_cap: int = 200


@transaction.atomic
def set_policy(
    *, actor: User, family: ModelFamily, pipeline: Pipeline, terms: PolicyTerms, policy: Policy | None = None
) -> Policy:
    """Makes a policy, or changes one; whoever does so owns it from then on. Raises Invalid by field, Exists."""
    require(actor, "retraining.set_policy", family)
    fields = _checked(family, pipeline, terms) | {"owner": actor, "pipeline": pipeline, "looked_at": Now()}
    before = {} if policy is None else {name: _told(getattr(policy, name)) for name in fields if name != "looked_at"}
    try:
        with transaction.atomic():
            policy = _written(family, fields, policy)
    except IntegrityError as error:
        raise Exists(f"{family} has a policy {terms.name!r} already; choose another name.") from error
    after = {name: _told(getattr(policy, name)) for name in fields if name != "looked_at"}
    changed = {name for name in after if before.get(name) != after[name]}
    if changed:
        told = {name: after[name] for name in sorted(changed)}
        was = {name: before[name] for name in sorted(changed) if name in before}
        record(actor=actor, action=Event.POLICY_SET, target=policy, before=was, after=told)
    return policy


@transaction.atomic
def pause_policy(*, actor: User, policy: Policy, reason: str) -> Policy:
    """It decides nothing until it is resumed. Raises Conflict when it is paused."""
    require(actor, "retraining.set_policy", policy.family)
    if not reason.strip():
        raise Invalid("Say why: the reason stands on the policy until it is resumed.", field="reason")
    changes = {"paused_at": Now(), "paused_because": reason.strip()[:LONGEST_NOTE]}
    if not Policy.objects.filter(pk=policy.pk, paused_at=None).update(**changes):
        raise Conflict(f"{policy.name} is paused already.")
    policy.refresh_from_db()
    record(actor=actor, action=Event.POLICY_PAUSED, target=policy, note=policy.paused_because)
    return policy


@transaction.atomic
def resume_policy(*, actor: User, policy: Policy) -> Policy:
    """From now on; what came due meanwhile is not made up for. Raises Conflict when it is not paused."""
    require(actor, "retraining.set_policy", policy.family)
    changes: dict[str, Any] = {"paused_at": None, "paused_because": "", "looked_at": Now()}
    if not Policy.objects.filter(pk=policy.pk, paused_at__isnull=False).update(**changes):
        raise Conflict(f"{policy.name} is not paused.")
    policy.refresh_from_db()
    record(actor=actor, action=Event.POLICY_RESUMED, target=policy)
    return policy


@transaction.atomic
def take_suggestion(*, actor: User, firing: Firing) -> Firing:
    """Sends what a policy suggested, as the person who takes it. Raises Conflict when it was decided."""
    policy = firing.policy
    require(actor, "retraining.submit", policy.family)
    _open_suggestion(firing)
    request = submit_request(
        actor=actor,
        pipeline=policy.pipeline,
        family=policy.family,
        parameters=policy.parameters,
        segments=firing.segments,
        reason=f"{policy.name}: {firing.reason}",
        key=f"suggestion-{firing.pk}",
    )
    Firing.objects.filter(pk=firing.pk).update(outcome=Outcome.TAKEN, request=request, decided_by=actor)
    firing.refresh_from_db()
    record(actor=actor, action=Event.SUGGESTION_TAKEN, target=policy, after={"request": request.pk})
    return firing


@transaction.atomic
def dismiss_suggestion(*, actor: User, firing: Firing, reason: str = "") -> Firing:
    """Nothing is retrained because of it. Raises Conflict when it was decided."""
    require(actor, "retraining.submit", firing.policy.family)
    _open_suggestion(firing)
    Firing.objects.filter(pk=firing.pk).update(outcome=Outcome.DISMISSED, decided_by=actor)
    firing.refresh_from_db()
    record(actor=actor, action=Event.SUGGESTION_DISMISSED, target=firing.policy, note=reason[:LONGEST_NOTE])
    return firing


def _checked(family: ModelFamily, pipeline: Pipeline, terms: PolicyTerms) -> dict[str, Any]:
    if not 1 <= len(terms.name.strip()) <= 100 or not terms.name.isprintable():
        raise Invalid("Give the policy a name of up to 100 characters.", field="name")
    if terms.trigger not in Policy.Trigger:
        raise Invalid(f"A policy is triggered by one of {', '.join(Policy.Trigger.values)}.", field="trigger")
    if not pipeline.families.filter(pk=family.pk).exists():
        raise Invalid(f"The pipeline {pipeline} does not train {family}; choose one that does.", field="pipeline")
    if terms.trigger == Policy.Trigger.SCHEDULE:
        check_schedule(terms.cron, terms.time_zone)
    if unknown := set(terms.kinds) - set(Kind):
        known = ", ".join(Kind)
        raise Invalid(f"There are signals of {known}; {sorted(unknown)[0]!r} is none of them.", field="kinds")
    _check_numbers(terms)
    segments = None if terms.segments is None else [one.slug for one in choose_segments(family, terms.segments)]
    return {
        "name": terms.name.strip(),
        "trigger": terms.trigger,
        "cron": terms.cron if terms.trigger == Policy.Trigger.SCHEDULE else "",
        "time_zone": terms.time_zone,
        "kinds": sorted(terms.kinds),
        "in_a_row": terms.in_a_row,
        "parameters": validate(pipeline.schema, terms.parameters),
        "segments": segments,
        "starts": terms.starts,
        "cool_down_hours": terms.cool_down_hours,
        "daily_cap": terms.daily_cap,
    }


def _check_numbers(terms: PolicyTerms) -> None:
    if not 1 <= terms.in_a_row <= 30:
        raise Invalid("Between 1 and 30 alarms in a row can be asked for.", field="in_a_row")
    if not 0 <= terms.cool_down_hours <= 24 * 366:
        raise Invalid("A cool-down lasts between 0 hours and a year.", field="cool_down_hours")
    if not 1 <= terms.daily_cap <= 5_000:
        raise Invalid("Between 1 and 5,000 segment runs can be started within a day.", field="daily_cap")


def _written(family: ModelFamily, fields: Mapping[str, Any], policy: Policy | None) -> Policy:
    if policy is None:
        policy = Policy.objects.create(family=family, **fields)
    else:
        Policy.objects.filter(pk=policy.pk).update(**fields)
    policy.refresh_from_db()
    return policy


def _told(value: Any) -> Any:
    """A value as the audit keeps it."""
    return getattr(value, "slug", None) or getattr(value, "username", None) or value


def _open_suggestion(firing: Firing) -> None:
    still = Firing.objects.select_for_update(no_key=True).get(pk=firing.pk)
    if still.outcome != Outcome.SUGGESTED:
        raise Conflict(f"This suggestion is decided already ({still.get_outcome_display()}); reload to see.")


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
    for occasion, cause, segments in OCCASIONS[policy.trigger](policy):
        _decide(policy, occasion, cause, segments)


Occasion = tuple[str, str, Sequence[str]]
"""A key that names it once and for all, the sentence what happened, and the segments it is about."""


def _on_schedule(policy: Policy) -> Iterable[Occasion]:
    """Of several times that passed, because nothing watched, only the newest counts."""
    now = timezone.now()
    due = list(due_times(policy.cron, policy.time_zone, policy.looked_at, now))
    Policy.objects.filter(pk=policy.pk).update(looked_at=now)
    if due:
        missed = f" {len(due) - 1} earlier times had passed unseen." if len(due) > 1 else ""
        yield due[-1].isoformat(), f"It was due at {due[-1]:%Y-%m-%d %H:%M} UTC.{missed}", _all_of(policy)


def _on_signals(policy: Policy) -> Iterable[Occasion]:
    """Alarms that have settled since it last looked and are part of no incident, one occasion a signal."""
    since, everything = max(policy.looked_at - LOOKED_AT_TWICE, policy.created_at), _all_of(policy)
    Policy.objects.filter(pk=policy.pk).update(looked_at=timezone.now())
    alarms = Signal.objects.filter(family=policy.family, is_alarm=True, settled_at__gt=since, incident=None)
    if policy.kinds:
        alarms = alarms.filter(kind__in=policy.kinds)
    for signal in alarms.select_related("segment").order_by("id"):
        about = [signal.segment.slug] if signal.segment else everything
        chosen = [slug for slug in about if slug in everything]
        if _in_a_row(signal, policy.in_a_row):
            yield f"signal:{signal.pk}", f"Signal #{signal.pk}: {signal.summary}", chosen


def _in_a_row(signal: Signal, wanted: int) -> bool:
    """Whether the newest words about this segment, up to this one, are so many alarms."""
    until = Signal.objects.filter(
        family=signal.family_id, segment=signal.segment_id, kind=signal.kind, observed_at__lte=signal.observed_at
    )
    newest = list(until.order_by("-observed_at", "-id").values_list("is_alarm", flat=True)[:wanted])
    return len(newest) == wanted and all(newest)


def _on_age(policy: Policy) -> Iterable[Occasion]:
    """Once for each newest day with labels: ages count from it, and change only with it."""
    family = policy.family
    if family.labelled_until is None or policy.firings.filter(occasion=str(family.labelled_until)).exists():
        return
    ages, chosen = registry.champion_ages(family), set(_all_of(policy))
    old = sorted(
        slug for slug, age in ages.items() if slug in chosen and age is not None and age > family.freshness_days
    )
    if old:
        cause = f"{len(old)} champions are older than {family.freshness_days} days on {family.labelled_until}."
        yield str(family.labelled_until), cause, old


OCCASIONS = {
    Policy.Trigger.SCHEDULE.value: _on_schedule,
    Policy.Trigger.SIGNAL.value: _on_signals,
    Policy.Trigger.AGE.value: _on_age,
}


def _decide(policy: Policy, occasion: str, cause: str, segments: Sequence[str]) -> None:
    if policy.firings.filter(occasion=occasion).exists():
        return
    decision = decide(cause, _situation(policy, segments), _rules_of(policy))
    if not decision.fires:
        _note(policy, occasion, Outcome.DID_NOT_FIRE, decision)
    elif policy.starts:
        _start(policy, occasion, decision)
    else:
        _note(policy, occasion, Outcome.SUGGESTED, decision)


def _start(policy: Policy, occasion: str, decision: Decision) -> None:
    try:
        with transaction.atomic():
            request = submit_request(
                actor=policy.owner,
                pipeline=policy.pipeline,
                family=policy.family,
                parameters=policy.parameters,
                segments=decision.segments,
                reason=f"{policy.name}: {decision.reason}",
                key=f"policy-{policy.pk}-{occasion}"[:100],
            )
    except PortalError as error:
        refused = Decision(decision.segments, f"{decision.reason} It did not fire because: {error.message}")
        _note(policy, occasion, Outcome.DID_NOT_FIRE, refused)
    else:
        _note(policy, occasion, Outcome.STARTED, decision, request=request)


def _note(policy: Policy, occasion: str, outcome: str, decision: Decision, **more: Any) -> None:
    Firing.objects.create(
        policy=policy,
        occasion=occasion,
        outcome=outcome,
        reason=decision.reason,
        segments=list(decision.segments),
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
    )


def _frozen(family: ModelFamily) -> str:
    freeze = registry.freeze_on(family)
    return f"{freeze} holds until {freeze.expires_at:%Y-%m-%d %H:%M} UTC: {freeze.reason}" if freeze else ""


def _rules_of(policy: Policy) -> Rules:
    return Rules(cool_down=timedelta(hours=policy.cool_down_hours), daily_cap=policy.daily_cap)


def _all_of(policy: Policy) -> list[str]:
    return [segment.slug for segment in choose_segments(policy.family, policy.segments)]
