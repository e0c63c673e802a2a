"""What families keep, what would go by a rule, and what went."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone

from apps.artifacts.queries import freed_by_cutting
from apps.core.permissions import allowed
from apps.retention.files import experiment_of, files_to_cut
from apps.retention.models import Cut, Rule
from apps.retention.terms import NAMES, Kind, Terms, before
from apps.retraining.queries.keeping import OctetLength, attempts_to_cut, logs_to_cut
from apps.tracking.queries.keeping import history_weight

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily


@dataclass(frozen=True)
class Part:
    """Of one kind, how much would go: how many, their bytes (None: not worth counting), and the oldest."""

    kind: Kind
    days: int | None
    count: int = 0
    size: int | None = None
    oldest: datetime | None = None
    trees: tuple[int, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Preview:
    """What would go by these terms today; `plan` is the digest of exactly that."""

    terms: Terms
    parts: list[Part]
    plan: str

    @property
    def takes_nothing(self) -> bool:
        return not any(part.count for part in self.parts)


def rule_of(family: ModelFamily) -> Rule | None:
    return Rule.objects.select_related("set_by").filter(family=family).first()


def terms_of(rule: Rule | None) -> Terms:
    return Terms(**{name: getattr(rule, name) for name in NAMES}) if rule else Terms()


def begins_at(rule: Rule) -> datetime:
    """A rule waits for a day before it first cuts: until then it can be taken back."""
    return rule.set_at + timedelta(hours=settings.RETENTION_PAUSE_HOURS)


def rests_because(rule: Rule, family: ModelFamily) -> str:
    """Why the rule cuts nothing though it says so; empty where it does."""
    if terms_of(rule).keeps_everything or allowed(rule.set_by, "retention.set_rule", family):
        return ""
    return (
        f"Nothing is removed: {rule.set_by} set this rule and may not any more. "
        "A lead of the team, or a platform admin, looks at it and saves it anew."
    )


def due_rules() -> QuerySet[Rule]:
    """Those that let something go, whose pause is over and that were not looked at today."""
    nothing = Q(**dict.fromkeys(NAMES))
    set_before = timezone.now() - timedelta(hours=settings.RETENTION_PAUSE_HOURS)
    found = Rule.objects.exclude(nothing).filter(set_at__lte=set_before).order_by("pk")
    return found.filter(Q(looked_at=None) | Q(looked_at__lt=before(0)))


def cuts(family: ModelFamily) -> QuerySet[Cut]:
    """The newest first."""
    return Cut.objects.filter(family=family).select_related("by")


def preview(family: ModelFamily, terms: Terms) -> Preview:
    """Raises Invalid for terms that can not be."""
    terms.check()
    parts = [PARTS[kind](family, days) if days else Part(kind, None) for kind, days in terms]
    return Preview(terms, parts, _digest(family, terms, parts))


def _digest(family: ModelFamily, terms: Terms, parts: list[Part]) -> str:
    told = [[part.count, part.size, str(part.oldest), part.trees] for part in parts]
    return hashlib.sha256(json.dumps([family.slug, terms.told, told]).encode()).hexdigest()


def _logs(family: ModelFamily, days: int) -> Part:
    runs = logs_to_cut(family, before=before(days)).order_by()
    told = runs.aggregate(count=Count("pk"), size=Sum(OctetLength("log"), default=0), oldest=Min("finished_at"))
    return Part(Kind.LOGS, days, **told)


def _attempts(family: ModelFamily, days: int) -> Part:
    found = attempts_to_cut(family, before=before(days)).order_by()
    return Part(Kind.ATTEMPTS, days, **found.aggregate(count=Count("pk"), oldest=Min("started_at")))


def _metrics(family: ModelFamily, days: int) -> Part:
    weight = history_weight(experiment_of(family), before=before(days))
    return Part(Kind.METRICS, days, count=weight.points, oldest=weight.oldest)


def _files(family: ModelFamily, days: int) -> Part:
    found = files_to_cut(family, before=before(days))
    trees = tuple(sorted({holder.tree for holder in found}))
    oldest = found[0].at if found else None
    return Part(Kind.FILES, days, len(trees), freed_by_cutting(trees).size, oldest, trees)


PARTS: dict[Kind, Callable[[ModelFamily, int], Part]] = {
    Kind.LOGS: _logs,
    Kind.ATTEMPTS: _attempts,
    Kind.METRICS: _metrics,
    Kind.FILES: _files,
}
