"""What a rule of retention may take of an experiment's runs: points of metrics, and files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, F, Min, OuterRef, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.tracking.models import LoggedModel, Metric, Run, RunQuerySet

if TYPE_CHECKING:
    from apps.accounts.models import Team


@dataclass(frozen=True)
class Experiment:
    """An experiment by its name, if that team has it."""

    name: str
    team: Team


@dataclass(frozen=True)
class HistoryWeight:
    """Runs that reported a metric more than once, their points but the last of each metric, and the oldest of them."""

    runs: int
    points: int
    oldest: datetime | None


def ended_runs(of: Experiment, *, before: datetime) -> RunQuerySet:
    """The oldest first; deleted ones too."""
    found = Run.objects.filter(experiment__name=of.name, experiment__team=of.team, ended_at__lt=before)
    return found.order_by("ended_at", "id")


def long_histories(of: Experiment, *, before: datetime) -> RunQuerySet:
    """Of them, those that hold more than one point of a metric."""
    several = Metric.objects.filter(run=OuterRef("pk")).order_by().values("key").annotate(n=Count("pk")).filter(n__gt=1)
    return ended_runs(of, before=before).filter(Exists(several.values("key")))


def history_weight(of: Experiment, *, before: datetime) -> HistoryWeight:
    named = Metric.objects.filter(run__in=ended_runs(of, before=before).order_by()).order_by()
    histories = named.values("run", "key").annotate(n=Count("pk"), first=Min("timestamp")).filter(n__gt=1)
    found = histories.aggregate(
        runs=Count("run", distinct=True), points=Coalesce(Sum(F("n") - 1), 0), oldest=Min("first")
    )
    return HistoryWeight(**found)


def points_of(runs: Collection[str]) -> dict[str, int]:
    """By run id, how many points but the last of each metric it holds."""
    counted = Metric.objects.filter(run__in=runs).order_by().values("run")
    return dict(counted.annotate(n=Count("pk") - Count("key", distinct=True)).values_list("run", "n"))


def runs_with_files(of: Experiment, *, before: datetime) -> RunQuerySet:
    """Ended runs whose files are kept."""
    return ended_runs(of, before=before).filter(tree__cut_at=None, tree__files__isnull=False).distinct()


def models_with_files(of: Experiment, *, before: datetime) -> QuerySet[LoggedModel]:
    """Logged models whose files are kept, the oldest first."""
    found = LoggedModel.objects.filter(experiment__name=of.name, experiment__team=of.team, created_at__lt=before)
    kept = found.filter(tree__cut_at=None, tree__files__isnull=False).distinct()
    return kept.order_by("created_at", "id")


def names_of(*, runs: Collection[str], models: Collection[str]) -> dict[str, str]:
    """By id. The caller has checked who reads."""
    named = dict(Run.objects.filter(pk__in=runs).values_list("pk", "name"))
    return named | dict(LoggedModel.objects.filter(pk__in=models).values_list("pk", "name"))
