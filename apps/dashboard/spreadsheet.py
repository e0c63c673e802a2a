"""The fleet as CSV: what stands on the page, one line per segment."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from apps.dashboard.fleet import Row

HEAD = (
    "segment", "name", "region", "champion", "trained_through", "age_days", "evaluated_at_promotion",
    "newest_window_first", "newest_window_last", "champion_on_newest", "baseline_on_newest",
    "candidate", "candidate_metric", "difference", "lower", "upper", "rows", "days", "verdict", "why",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would calculate a text that begins so."""


def as_csv(rows: Sequence[Row]) -> str:
    """UTF-8 text with a head; metrics in the family's unit, differences positive where the candidate is better."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    writer.writerows([_safe(value) for value in _line(row)] for row in rows)
    return text.getvalue()


def _line(row: Row) -> tuple[object, ...]:
    cell, score = row.cell, row.comparison
    newest = cell.newest or score
    return (
        cell.segment,
        cell.name,
        cell.region,
        cell.champion and cell.champion.label,
        cell.champion and cell.champion.trained_through,
        cell.age_days,
        row.promoted_with,
        newest and newest.first,
        newest and newest.last,
        row.newest,
        row.baseline,
        cell.candidate and cell.candidate.label,
        row.candidate_metric,
        score and score.difference,
        score and score.lower,
        score and score.upper,
        score and score.rows,
        score and score.days,
        row.state.value,
        row.why,
    )


def _safe(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
