"""Tables of a family as CSV: what stands on the page, one line per segment."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from apps.dashboard.fleet import Row
from apps.registry.worth import Comparison, Rival

HEAD = (
    "segment", "name", "region", "champion", "trained_through", "age_days", "evaluated_at_promotion",
    "newest_window_first", "newest_window_last", "champion_on_newest", "baseline_on_newest",
    "candidate", "candidate_metric", "difference", "lower", "upper", "rows", "days", "verdict", "why",
)  # fmt: skip
WORTH_HEAD = (
    "segment", "name", "region", "window_first", "window_last", "rows", "days",
    "version", "trained_from", "trained_through", "own", "shared_model", "shared_version",
    "shared", "over_shared", "over_shared_lower", "over_shared_upper",
    "baseline", "over_baseline", "over_baseline_lower", "over_baseline_upper", "winner", "is_sure",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would calculate a text that begins so."""


def as_csv(rows: Sequence[Row]) -> str:
    """UTF-8 text with a head; metrics in the family's unit, differences positive where the candidate is better."""
    return _written(HEAD, map(_line, rows))


def worth_as_csv(found: Sequence[Comparison]) -> str:
    """The same, of segments' own models beside the shared one and the baseline; positive where the own is better."""
    return _written(WORTH_HEAD, map(_worth_line, found))


def _written(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_safe(value) for value in line] for line in lines)
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


def _worth_line(one: Comparison) -> tuple[object, ...]:
    about = (one.segment, one.name, one.region, one.first, one.last, one.rows, one.days)
    models = (one.version, one.trained_from, one.trained_through, one.own, one.shared_model, one.shared_version)
    return (*about, *models, *_rival(one.shared), *_rival(one.baseline), one.winner.value, one.is_sure)


def _rival(rival: Rival | None) -> tuple[object, ...]:
    return (rival.metric, rival.difference, rival.lower, rival.upper) if rival else ("",) * 4


def _safe(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
