"""Metrics of a run as curves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apps.core import charts
from apps.tracking.models import Metric, Run
from apps.tracking.queries.evidence import sampled_curves

MOST_CURVES, MOST_POINTS = 12, 200


@dataclass(frozen=True)
class Curve:
    """A metric that was reported at several steps."""

    key: str
    chart: charts.LineChart
    last: float


def curves(run: Run) -> list[Curve]:
    """Metrics with more than one point; each drawn with at most 200 of them, evenly chosen."""
    found = sampled_curves(run=run, keys=MOST_CURVES, most=MOST_POINTS)
    return [_curve(key, points) for key, points in found.items()]


def _curve(key: str, points: Sequence[Metric]) -> Curve:
    values = [point.value if math.isfinite(point.value) else None for point in points]
    labels = [str(point.step) for point in points]
    return Curve(key, charts.line_chart([charts.Series(key, values)], labels), points[-1].value)
