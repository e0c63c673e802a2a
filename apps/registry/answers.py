"""What an evaluator answered, read with distrust: an answer is used as a whole or not at all."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.registry.statistics import DailyErrors, Direction, PairedDifference, paired_difference, seed_of

ANSWER = "evaluations.json"
CANDIDATE, CHAMPION = "candidate", "champion"
LONGEST_SENTENCE = 1_000


class Unusable(Exception):
    """There are no numbers; the message is the sentence why."""


@dataclass(frozen=True)
class Numbers:
    """What the evaluator measured: metrics in the family's unit, differences positive where the candidate is better.

    `daily` holds the sums of errors by day, so that every bound can be computed again; `baselines` by name the metric
    on the same rows, and the difference of candidate and baseline with its bounds.
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
    baselines: dict[str, dict[str, float | None]] = field(default_factory=dict)


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


def numbers_of(answer: object, *, against: bool, direction: str, baselines: Sequence[str] = ()) -> Numbers:
    """The numbers of one comparison, all computed from its errors by day, with bounds where there is a rival.

    `baselines` are those that the evaluator declares. Raises Unusable with the evaluator's own sentence, or with what
    is wrong with its answer.
    """
    if not isinstance(answer, dict):
        raise Unusable("The evaluator did not answer this comparison.")
    if answer.get("error"):
        raise Unusable(str(answer["error"])[:LONGEST_SENTENCE])
    try:
        daily = [_day(day, baselines) for day in answer["daily"]]
        _check_days(daily)
        _check_stated(answer, daily)
        digest = str(answer["data_digest"])[:80]
        return numbers_from(daily, against=against, direction=direction, digest=digest, baselines=baselines)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unusable(f"The evaluator's answer makes no sense: {error or type(error).__name__}.") from error


def _day(day: Mapping[str, Any], declared: Sequence[str]) -> dict[str, Any]:
    """In one form: an evaluator with one baseline may call its sum `baseline`, meaning the first that it declares."""
    sums = dict(day.get("baselines") or {})
    if day.get("baseline") is not None:
        sums.setdefault(declared[0] if declared else "baseline", day["baseline"])
    known = {name: _finite(value) for name, value in sums.items() if value is not None}
    champion = day.get("champion")
    return {
        "day": str(day["day"]),
        "rows": int(day["rows"]),
        "candidate": _finite(day["candidate"]),
        "champion": None if champion is None else _finite(champion),
        "baselines": known,
    }


def _check_days(daily: Sequence[Mapping[str, Any]]) -> None:
    if not daily or any(day["rows"] < 1 for day in daily):
        raise ValueError("there is no row, or a day without one")
    if len({day["day"] for day in daily}) < len(daily):
        raise ValueError("a day appears twice in the errors")


def numbers_from(
    daily: list[dict[str, Any]], *, against: bool, direction: str, digest: str, baselines: Sequence[str]
) -> Numbers:
    """Everything that is stored, from the errors by day and the evaluator's `baselines`, of which the first is *the*
    baseline. Raises ValueError where they make no sense.
    """
    names, way = _baselines_of(daily, baselines), Direction(direction)
    champion = _difference(daily, CHAMPION, way) if against else None
    return Numbers(
        rows=sum(day["rows"] for day in daily),
        days=len(daily),
        candidate_metric=_mean(daily, CANDIDATE),
        champion_metric=_mean(daily, CHAMPION) if against else None,
        baseline_metric=_mean(daily, names[0]) if names else None,
        difference=champion.mean if champion else None,
        lower=champion.lower if champion else None,
        upper=champion.upper if champion else None,
        daily=daily,
        data_digest=digest,
        baselines={name: _against(daily, name, way) for name in names},
    )


def seed_of_days(daily: Sequence[Mapping[str, Any]]) -> int:
    return seed_of([DailyErrors(day["day"], day["rows"], 0.0, 0.0) for day in daily])


def _baselines_of(daily: Sequence[Mapping[str, Any]], declared: Sequence[str]) -> list[str]:
    """Those that have a sum on every day, as on fewer rows nothing would be identical; in the order declared, because
    PostgreSQL keeps none.
    """
    days = [day.get("baselines", {}) for day in daily]
    known = [name for name in days[0] if all(name in sums for sums in days)]
    return sorted(known, key=lambda name: (name not in declared, [*declared, name].index(name), name))


def _against(daily: Sequence[Mapping[str, Any]], name: str, direction: Direction) -> dict[str, float | None]:
    rival = _difference(daily, name, direction)
    bounds = {"lower": rival.lower, "upper": rival.upper}
    return {"metric": _mean(daily, name), "difference": rival.mean} | bounds


def _difference(daily: Sequence[Mapping[str, Any]], rival: str, direction: Direction) -> PairedDifference:
    """The candidate against the champion, or against the baseline of that name."""
    days = [DailyErrors(day["day"], day["rows"], day[CANDIDATE], _sum(day, rival)) for day in daily]
    return paired_difference(days, direction=direction)


def _mean(daily: Sequence[Mapping[str, Any]], role: str) -> float:
    return sum(_sum(day, role) for day in daily) / sum(day["rows"] for day in daily)


def _sum(day: Mapping[str, Any], role: str) -> float:
    """One day's sum of the candidate, the champion, or a baseline by name."""
    return _finite(day[role] if role in (CANDIDATE, CHAMPION) else day["baselines"][role])


def _check_stated(answer: Mapping[str, Any], daily: Sequence[Mapping[str, Any]]) -> None:
    """What the evaluator says in sum has to be what its days say: one of them is wrong otherwise."""
    rows, mean = sum(day["rows"] for day in daily), _mean(daily, CANDIDATE)
    stated = (answer.get("metric") or {}).get(CANDIDATE, mean)
    if answer.get("rows", rows) != rows or not math.isclose(_finite(stated), mean, rel_tol=1e-6, abs_tol=1e-9):
        raise ValueError("its metric is not the mean of its errors by day")


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no metric")
    return float(value)
