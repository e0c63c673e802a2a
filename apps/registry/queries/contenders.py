"""Versions and evaluations as plain rows: what judging and tables look at, of hundreds of segments at once.

A model instance of each would take three times as long, and one column forgotten would be a query for each of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from itertools import starmap
from typing import Any, NamedTuple

from apps.registry.models import Evaluation, ModelVersion
from apps.registry.models.family import CHAMPION


class Contender(NamedTuple):
    """A version as far as a promotion looks at it; its fields are those of ModelVersion."""

    pk: int
    model_id: int
    number: int
    status: str
    kind: str
    digest: str
    trained_from: date | None
    trained_through: date | None
    created_at: datetime
    run_id: str | None
    pipeline: str
    parameters: Mapping[str, Any]
    signature: Mapping[str, Any] | None
    formats: Mapping[str, str]
    provenance: Mapping[str, Any]
    card: Mapping[str, str]
    deleted_at: datetime | None
    model__deleted_at: datetime | None
    tree__cut_at: datetime | None

    @property
    def label(self) -> str:
        return f"v{self.number}"

    @property
    def is_gone(self) -> bool:
        """Deleted, or of a deleted model."""
        return self.deleted_at is not None or self.model__deleted_at is not None

    @property
    def lost_its_files(self) -> bool:
        """To the family's rule of retention."""
        return self.tree__cut_at is not None


class Score(NamedTuple):
    """An evaluation without its days; its fields are those of Evaluation."""

    pk: int
    candidate_id: int
    champion_id: int | None
    champion__number: int | None
    status: str
    reason: str
    window_first: date
    window_last: date
    rows: int | None
    days: int | None
    candidate_metric: float | None
    champion_metric: float | None
    baseline_metric: float | None
    baselines: Mapping[str, Any]
    difference: float | None
    lower: float | None
    upper: float | None
    data_digest: str
    evaluator_version: str

    @property
    def window(self) -> tuple[date, date]:
        return self.window_first, self.window_last


def champions(models: Collection[int], alias: str = CHAMPION) -> dict[int, Contender]:
    """What the alias points to, by model."""
    behind = ModelVersion.objects.filter(aliases__name=alias, aliases__model__among=models).order_by()
    found = starmap(Contender, behind.values_list(*Contender._fields))
    return {version.model_id: version for version in found}


def scores(candidates: Collection[int]) -> dict[int, list[Score]]:
    """By candidate, the newest first; without comparisons with the shared model."""
    found: dict[int, list[Score]] = {}
    of_them = Evaluation.objects.of_one_model().filter(candidate__among=candidates).order_by("-id")
    for row in of_them.values_list(*Score._fields):
        score = Score(*row)
        found.setdefault(score.candidate_id, []).append(score)
    return found
