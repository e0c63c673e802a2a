"""What an evaluator answered, read with distrust: an answer is used as a whole or not at all."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.registry.statistics import DailyErrors, Direction, PairedDifference, paired_difference

ANSWER = "evaluations.json"
LONGEST_SENTENCE = 1_000


class Unusable(Exception):
    """There are no numbers; the message is the sentence why."""


@dataclass(frozen=True)
class Numbers:
    """What the evaluator measured: metrics in the family's unit, differences positive where the candidate is better.

    `daily` holds the sums of errors by day, so that every bound can be computed again.
    """

    rows: int
    days: int
    candidate_metric: float
    champion_metric: float | None
    baseline_metric: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    daily: list[dict[str, Any]]
    data_digest: str


def read_answers(files: Mapping[str, Path]) -> Mapping[str, object]:
    """The answers by the id of their comparison. Raises Unusable."""
    if ANSWER not in files:
        raise Unusable(f"The evaluator wrote no {ANSWER}.")
    try:
        answers = json.loads(files[ANSWER].read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unusable(f"The evaluator's {ANSWER} is no JSON.") from error
    if not isinstance(answers, dict):
        raise Unusable(f"The evaluator's {ANSWER} holds no answers by id.")
    return answers


def numbers_of(answer: object, *, against: bool, direction: str) -> Numbers:
    """The numbers of one comparison, with the bounds of the difference where it was against a champion.

    Raises Unusable with the evaluator's own sentence, or with what is wrong with its answer.
    """
    if not isinstance(answer, dict):
        raise Unusable("The evaluator did not answer this comparison.")
    if answer.get("error"):
        raise Unusable(str(answer["error"])[:LONGEST_SENTENCE])
    try:
        return _numbers(answer, against, Direction(direction))
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(f"The evaluator's answer makes no sense: {error or type(error).__name__}.") from error


def _numbers(answer: dict[str, Any], against: bool, direction: Direction) -> Numbers:
    metric, daily = answer["metric"], list(answer["daily"])
    difference = _difference(daily, direction) if against else None
    return Numbers(
        rows=int(answer["rows"]),
        days=int(answer["days"]),
        candidate_metric=_finite(metric["candidate"]),
        champion_metric=_finite(metric["champion"]) if against else None,
        baseline_metric=None if metric["baseline"] is None else _finite(metric["baseline"]),
        difference=difference.mean if difference else None,
        lower=difference.lower if difference else None,
        upper=difference.upper if difference else None,
        daily=daily,
        data_digest=str(answer["data_digest"])[:80],
    )


def _difference(daily: list[dict[str, Any]], direction: Direction) -> PairedDifference:
    errors = [
        DailyErrors(str(day["day"]), int(day["rows"]), float(day["candidate"]), float(day["champion"])) for day in daily
    ]
    return paired_difference(errors, direction=direction)


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no metric")
    return float(value)
