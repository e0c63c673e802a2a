"""Verbs of retention: a rule is set by a person who has seen what goes, and cut as that person, a piece at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Model
from django.db.models.functions import Now
from django.utils import timezone

from apps.artifacts.actions import cut_trees
from apps.artifacts.queries import freed_by_cutting
from apps.audit.actions import record, record_many
from apps.core.errors import Conflict
from apps.core.permissions import require
from apps.registry.actions.keeping import let_go_of_files
from apps.retention.events import Event
from apps.retention.files import experiment_of, free_holders, free_versions
from apps.retention.models import Cut, Rule
from apps.retention.queries import due_rules, preview, terms_of
from apps.retention.terms import Kind, Terms, before
from apps.retraining.actions.keeping import cut_attempts, cut_logs
from apps.tracking.actions.keeping import thin_histories
from apps.tracking.queries.keeping import long_histories

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily

AT_ONCE = 500
RUNS_AT_ONCE = 100
"""Each may have reported many thousand points."""
Sums = dict[str, int]
Told = tuple[Model, dict[str, Any], dict[str, Any]]


@transaction.atomic
def set_rule(*, actor: User, family: ModelFamily, terms: Terms, plan: str) -> Rule:
    """From a day later on the family lets go what is older than these terms. Raises Invalid, and Conflict where what
    goes is not what the digest `plan` of its preview names.
    """
    require(actor, "retention.set_rule", family)
    if plan != preview(family, terms).plan and not terms.keeps_everything:
        raise Conflict("What would go is not what you looked at any more: look at it again, then save.")
    was = terms_of(Rule.objects.select_for_update().filter(family=family).first())
    _finish(family)
    fresh = {**terms.told, "set_by": actor, "set_at": timezone.now(), "looked_at": None}
    Rule.objects.update_or_create(family=family, defaults=fresh)
    record(actor=actor, action=Event.RULE_SET, target=family, before=was.told, after=terms.told)
    return Rule.objects.select_related("set_by").get(family=family)


@transaction.atomic
def cut_more(*, rule_id: int) -> bool:
    """The next piece of what a rule lets go, as the person who set it; False when nothing is due or somebody else is at
    it. Raises Denied where that person may not any more.
    """
    rules = due_rules().select_related("family__team", "set_by").select_for_update(of=("self",), skip_locked=True)
    rule = rules.filter(pk=rule_id).first()
    if rule is None:
        return False
    require(rule.set_by, "retention.set_rule", rule.family)
    for kind, days in terms_of(rule):
        if days and (taken := STEPS[kind](rule, before(days))):
            _count(rule, taken)
            return True
    _finish(rule.family)
    Rule.objects.filter(pk=rule.pk).update(looked_at=timezone.now())
    return False


def _count(rule: Rule, taken: Sums) -> None:
    fresh = {"terms": terms_of(rule).told, "by": rule.set_by}
    cut, _ = Cut.objects.get_or_create(family=rule.family, finished_at=None, defaults=fresh)
    Cut.objects.filter(pk=cut.pk).update(**{name: F(name) + number for name, number in taken.items()})


def _finish(family: ModelFamily) -> None:
    """The audit keeps what went, how much of it, and by which rule of whose."""
    cuts = Cut.objects.select_for_update(of=("self",)).select_related("by")
    cut = cuts.filter(family=family, finished_at=None).first()
    if cut:
        Cut.objects.filter(pk=cut.pk).update(finished_at=Now())
        told = {name: number for name, number in cut.sums.items() if number}
        record(actor=cut.by, action=Event.CUT, target=family, after={**told, "rule": cut.terms})


def _cut_logs(rule: Rule, older: datetime) -> Sums:
    logs, size = cut_logs(family=rule.family, before=older, most=AT_ONCE)
    return {"logs": logs, "log_bytes": size} if logs else {}


def _cut_attempts(rule: Rule, older: datetime) -> Sums:
    attempts = cut_attempts(family=rule.family, before=older, most=AT_ONCE)
    return {"attempts": attempts} if attempts else {}


def _thin_metrics(rule: Rule, older: datetime) -> Sums:
    runs = long_histories(experiment_of(rule.family), before=older).values_list("pk", flat=True)[:RUNS_AT_ONCE]
    points = thin_histories(runs=list(runs))
    return {"points": points} if points else {}


def _cut_files(rule: Rule, older: datetime) -> Sums:
    """First of versions; then of runs and logged models of which no version is left whose files are kept."""
    trees = {holder.tree for holder in islice(free_versions(rule.family, before=older), AT_ONCE)}
    if trees:
        return _cut_versions(rule, older, trees)
    others = {holder.tree for holder in islice(free_holders(rule.family, before=older), AT_ONCE)}
    gone = cut_trees(trees=others)
    return {"trees": gone, "file_bytes": freed_by_cutting(others).size} if gone else {}


def _cut_versions(rule: Rule, older: datetime, trees: set[int]) -> Sums:
    """Each version's own history says it, too."""
    gone = let_go_of_files(family=rule.family, trees=trees, before=older)
    told = {"rule": terms_of(rule).told}
    targets: list[Told] = [(version, {}, {"digest": version.digest, **told}) for version in gone]
    record_many(actor=rule.set_by, action=Event.FILES_REMOVED, targets=targets)
    cut = {version.tree_id for version in gone if version.tree_id}
    return {"versions": len(gone), "trees": len(cut), "file_bytes": freed_by_cutting(cut).size} if gone else {}


STEPS: dict[Kind, Callable[[Rule, datetime], Sums]] = {
    Kind.LOGS: _cut_logs,
    Kind.ATTEMPTS: _cut_attempts,
    Kind.METRICS: _thin_metrics,
    Kind.FILES: _cut_files,
}
