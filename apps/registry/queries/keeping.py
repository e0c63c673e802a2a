"""Which versions' files a rule of retention may take, and what else versions stand on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.registry.models import Alias, AliasMove, Consumption, Evaluation, ModelFamily, ModelVersion, Promotion, Stage
from apps.registry.models.version import VersionQuerySet

DECIDED = (Promotion.Status.APPLIED, Promotion.Status.UNDONE, Promotion.Status.REJECTED)
"""What people said yes or no to, and what moved: its files are evidence for as long as there is a history."""

NOT_DONE = (Evaluation.Status.WAITING, Evaluation.Status.RUNNING)


def versions_to_let_go(family: ModelFamily, *, before: datetime) -> VersionQuerySet:
    """Older than that and used by nobody since, whose files are kept and that nothing needs, the oldest first.

    Needed is what has an alias or had a protected one ever, another since; what MLflow's stages Staging and Production
    hold; the newest of its model; and what a promotion that is open, was decided or has moved names, or an evaluation
    that is not done.
    """
    of_it = OuterRef("pk")
    served = Q(name__in=family.alias_names) | Q(kind__in=(AliasMove.Kind.PROMOTION, AliasMove.Kind.ROLLBACK))
    either = Q(candidate=of_it) | Q(champion=of_it)
    needed: tuple[QuerySet, ...] = (
        Alias.objects.filter(version=of_it),
        AliasMove.objects.filter(Q(after=of_it) | Q(before=of_it), served | Q(at__gte=before)),
        Consumption.objects.filter(version=of_it, last_at__gte=before),
        Promotion.objects.filter(either | Q(before=of_it), Q(is_open=True) | Q(status__in=DECIDED)),
        Evaluation.objects.filter(either | Q(shared=of_it), status__in=NOT_DONE),
    )
    old = ModelVersion.objects.filter(model__family=family, created_at__lt=before, tree__cut_at=None)
    found = old.filter(tree__isnull=False).exclude(stage__in=(Stage.STAGING, Stage.PRODUCTION))
    for rows in needed:
        found = found.exclude(Exists(rows))
    return found.filter(_is_followed()).order_by("created_at", "pk")


def _is_followed() -> Q:
    """A newer one of its model has files, or nobody finds it any more."""
    newer = ModelVersion.objects.filter(model=OuterRef("model"), number__gt=OuterRef("number"), deleted_at=None)
    ready = newer.filter(tree__isnull=False, tree__cut_at=None)
    return Q(Exists(ready)) | Q(deleted_at__isnull=False) | Q(model__deleted_at__isnull=False)


@dataclass(frozen=True)
class StoodOn:
    """Trees, runs and logged models (ids)."""

    trees: frozenset[int]
    runs: frozenset[str]
    models: frozenset[str]


def stood_on(
    *, trees: Collection[int], runs: Collection[str], models: Collection[str], besides: Collection[int]
) -> StoodOn:
    """Those that versions were made of whose files are kept, or lie elsewhere; these versions (ids) do not count."""
    named = Q(tree__in=list(trees)) | Q(run__in=list(runs)) | Q(logged_model__in=list(models))
    keeping = ModelVersion.objects.filter(named, Q(tree=None) | Q(tree__cut_at=None)).exclude(pk__in=list(besides))
    rows = keeping.order_by().values_list("tree", "run", "logged_model")
    kept = list(zip(*rows, strict=True)) or [(), (), ()]
    return StoodOn(*(frozenset(filter(None, column)) for column in kept))


def versions_of(ids: Collection[int]) -> dict[int, ModelVersion]:
    """Deleted ones, too; by id, with their models. The caller has checked who reads."""
    return ModelVersion.objects.select_related("model__segment").in_bulk(list(ids))
