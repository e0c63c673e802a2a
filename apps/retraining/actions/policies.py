"""Verbs of policies, and what a person does with their suggestions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from apps.audit.actions import record
from apps.core.errors import Conflict, Exists, Invalid
from apps.core.permissions import require
from apps.retraining.actions.requests import submit_request
from apps.retraining.events import Event
from apps.retraining.freezing import choose_segments
from apps.retraining.models import Firing, Pipeline, Policy
from apps.retraining.occasions import check_schedule
from apps.retraining.parameters import validate
from apps.retraining.reports import Kind

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily

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
    worse_by: int = 10  # percent
    yardstick: str = Policy.Yardstick.PROMOTED
    starts: bool = False
    cool_down_hours: int = 24
    daily_cap: int = 200
    after_success: str = ""  # as the pipeline says


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
        after_success=policy.after_success,
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
    _check_words(terms)
    segments = None if terms.segments is None else [one.slug for one in choose_segments(family, terms.segments)]
    return {
        "name": terms.name.strip(),
        "trigger": terms.trigger,
        "cron": terms.cron if terms.trigger == Policy.Trigger.SCHEDULE else "",
        "time_zone": terms.time_zone,
        "kinds": sorted(terms.kinds),
        "in_a_row": terms.in_a_row,
        "worse_by": terms.worse_by,
        "yardstick": terms.yardstick,
        "after_success": terms.after_success,
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
    if not 0 <= terms.worse_by <= 1_000:
        raise Invalid("A champion can be worse by 0 to 1,000 percent.", field="worse_by")


def _check_words(terms: PolicyTerms) -> None:
    if terms.yardstick not in Policy.Yardstick:
        known = ", ".join(Policy.Yardstick.values)
        raise Invalid(f"A champion is compared with one of {known}.", field="yardstick")
    if terms.after_success and terms.after_success not in Pipeline.AfterSuccess:
        known = ", ".join(Pipeline.AfterSuccess.values)
        message = f"After success comes one of {known}; nothing said means as the pipeline says."
        raise Invalid(message, field="after_success")


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
