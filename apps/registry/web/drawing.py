"""Promotions as rows with their intervals drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.charts import Whisker, common_reach, whisker
from apps.core.figures import Delta, delta
from apps.registry.queries import PromotionRow


@dataclass(frozen=True)
class Shown:
    """A row with its interval drawn; all rows of a page share one scale."""

    row: PromotionRow
    chart: Whisker | None
    against_baseline: Delta | None  # only of a first champion, which has no other to be compared with


def drawn(rows: Sequence[PromotionRow], better: str) -> list[Shown]:
    """All on one scale. `better` is the family's direction."""
    scores = [row.evaluation for row in rows if row.evaluation]
    reach = common_reach((score.lower, score.difference, score.upper) for score in scores)
    return [Shown(row, _interval(row, reach), _against_baseline(row, better)) for row in rows]


def _against_baseline(row: PromotionRow, better: str) -> Delta | None:
    score = row.evaluation
    if row.champion or score is None or score.candidate is None or score.baseline is None:
        return None
    return delta(score.candidate - score.baseline, better)


def _interval(row: PromotionRow, reach: float) -> Whisker | None:
    score = row.evaluation
    if score is None or score.lower is None or score.upper is None or score.difference is None:
        return None
    return whisker(score.lower, score.upper, score.difference, reach=reach)
