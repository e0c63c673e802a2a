"""How each champion of a family stands now: its age, and its metric on the newest month beside what it was once."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from apps.registry.models import Alias, Evaluation, ModelFamily
from apps.registry.models.family import CHAMPION
from apps.registry.queries.fleet import promoted_on
from apps.registry.queries.windows import newest_window

UNFINISHED = (Evaluation.Status.WAITING, Evaluation.Status.RUNNING)


@dataclass(frozen=True)
class Standing:
    """One champion. Metrics are the family's, on the newest month; None where it is not known.

    `since_promoted` and `against_baseline` say by which share of the other one it is worse: 0.1 is ten percent worse,
    negative is better.
    """

    age_days: int | None
    is_fresh: bool | None
    newest: float | None
    baseline: float | None  # the plain baseline's, on the same rows
    since_promoted: float | None
    against_baseline: float | None
    is_awaited: bool  # nobody knows yet how it does on the newest month


class Served(NamedTuple):
    segment: str
    model: int
    version: int
    trained_through: date | None


def standings(family: ModelFamily) -> dict[str, Standing]:
    """Of every segment that has a champion, by slug, without those that only a fallback leads to; three queries."""
    aliases = Alias.objects.filter(model__family=family, model__segment__is_fallback=False, name=CHAMPION)
    rows = aliases.values_list("model__segment__slug", "model_id", "version_id", "version__trained_through")
    served = [Served(*row) for row in rows.order_by("model__segment__slug")]
    newest = _on_newest(family, served)
    promoted = _promoted_with([one.version for one in served])
    return {one.segment: _standing(family, one, newest.get(one.version), promoted.get(one.version)) for one in served}


def _promoted_with(versions: Collection[int]) -> dict[int, float | None]:
    """By version, its metric in the evaluation that it was promoted on."""
    chosen = promoted_on(versions, CHAMPION)
    metrics = dict(Evaluation.objects.filter(pk__in=chosen.values()).values_list("pk", "candidate_metric"))
    return {version: metrics[pk] for version, pk in chosen.items()}


def _on_newest(family: ModelFamily, served: Iterable[Served]) -> Mapping[int, Evaluation]:
    """By version, its evaluation on the newest month; a done one if there is one."""
    window = newest_window(family)
    if window is None:
        return {}
    found = Evaluation.objects.of_one_model().filter(
        candidate__in=[one.version for one in served], window_first=window.first, window_last=window.last
    )
    rows = sorted(found.defer("daily"), key=lambda row: (row.status == Evaluation.Status.DONE, row.pk))
    return {row.candidate_id: row for row in rows}


def _standing(family: ModelFamily, one: Served, newest: Evaluation | None, promoted: float | None) -> Standing:
    age, value = family.age_of(one.trained_through), newest.candidate_metric if newest else None
    return Standing(
        age_days=age,
        is_fresh=None if age is None else age <= family.freshness_days,
        newest=value,
        baseline=newest.baseline_metric if newest else None,
        since_promoted=_loss(family, value, promoted),
        against_baseline=_loss(family, value, newest.baseline_metric if newest else None),
        is_awaited=newest is None or newest.status in UNFINISHED,
    )


def _loss(family: ModelFamily, value: float | None, than: float | None) -> float | None:
    if value is None or than is None:
        return None
    loss = value - than if family.direction == ModelFamily.Direction.LOWER else than - value
    if not than:
        return math.copysign(math.inf, loss) if loss else 0.0
    return loss / abs(than)
