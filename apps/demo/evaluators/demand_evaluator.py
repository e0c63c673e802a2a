"""Scores candidate, champion and baseline of *Daily demand* on identical days, many comparisons in one process.

The same contract as `eta_evaluator.py`; what both do, they do in the same words (a test holds them together).

The metric is WAPE: all missed flights of the window as a share of all flights. A row is a day, and its score is the
day's miss over the window's flights per day: so the mean of the rows is WAPE, each day weighs what it missed, and a
day without any flight counts what was forecast for it.

A model is shown the days before and the weather of the day, nothing of the day itself.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LAGS = [f"lag_{days}" for days in range(1, 29)]
NUMBERS = [*LAGS, "temp_f", "precip_in", "wind_mph"]
CATEGORIES = ["weekday"]
INPUTS = NUMBERS + CATEGORIES
TARGET = "scheduled"
FORMAT = "linear/1"


class Refused(Exception):
    """A comparison that can't be made; the message is a sentence for a person."""


@dataclass(frozen=True)
class Window:
    """What is labelled of some days: the raw lines for the digest, the usable ones as a table."""

    segment: str
    first: date
    lines: list[str]
    rows: pd.DataFrame

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256("\n".join(self.lines[1:]).encode()).hexdigest()


Predict = Callable[[Window], np.ndarray]


def main() -> None:
    params = json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text(encoding="utf-8"))
    with np.errstate(all="ignore"):  # a model that overflows gets its sentence, not a warning in the log
        results = dict(evaluations(params))
    write("evaluations.json", results)
    write("metrics.json", {"comparisons": len(results)})


def evaluations(params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    first, last = (date.fromisoformat(params["window"][end]) for end in ("first", "last"))
    for done, comparison in enumerate(params["comparisons"]):
        progress(done / len(params["comparisons"]), comparison["segment"])
        yield comparison["id"], outcome(comparison, first, last)


def outcome(comparison: dict[str, Any], first: date, last: date) -> dict[str, Any]:
    try:
        return compare(comparison, first, last)
    except Refused as refusal:
        return failure(str(refusal))


def compare(comparison: dict[str, Any], first: date, last: date) -> dict[str, Any]:
    window = labelled(comparison["segment"], first, last)
    if window.rows.empty:
        raise Refused(f"There is no labelled day of {window.segment} between {first} and {last}.")
    if not window.rows[TARGET].any():
        raise Refused(f"There was no flight to {window.segment} between {first} and {last}: no share can be missed.")
    scores = pd.DataFrame({"day": window.rows["day"]})
    for role in ("candidate", "champion"):
        scores[role] = missed(predicted(role, comparison.get(role), window), window)
    for name, baseline in BASELINES.items():
        scores[name] = missed(baseline(window), window)
    return success(scores, window.digest)


def missed(flights: Any, window: Window) -> Any:
    """By day, over the window's flights per day; fewer than no flights are none."""
    actual = window.rows[TARGET].to_numpy()
    return np.abs(np.maximum(flights, 0) - actual) / actual.mean()


def predicted(role: str, model: dict[str, Any] | None, window: Window) -> Any:
    """One number for each row; NaN everywhere where there is no such model."""
    if model is None:
        return np.nan
    try:
        answer = np.asarray(load(model["files"])(window), dtype=float)
    except Refused as refusal:
        raise Refused(f"The {role} could not be scored: {refusal}") from None
    except Exception as error:  # whatever a broken file makes a library raise stays with this comparison
        raise Refused(f"The {role} could not be scored: its file is broken ({type(error).__name__}).") from error
    if answer.shape != (len(window.rows),) or not np.isfinite(np.abs(answer).sum()):
        raise Refused(f"The {role} could not be scored: it does not predict one finite number for each row.")
    return answer


# --- models ---


def load(files: dict[str, str]) -> Predict:
    for name, read in LOADERS.items():
        if name in files:
            return read(Path(os.environ["PORTAL_INPUTS"]) / files[name])
    raise Refused(f"it has none of the files this evaluator can read ({', '.join(LOADERS)}).")


def load_linear(file: Path) -> Predict:
    """`FORMAT`: an intercept, standardised numbers, one coefficient for each value of a category."""
    model = json.loads(file.read_text(encoding="utf-8"))
    if model.get("format") != FORMAT:
        raise Refused(f"its format is {model.get('format')!r}; this evaluator reads {FORMAT!r}.")
    refuse_unknown([term["name"] for term in model["numbers"]], NUMBERS)
    refuse_unknown([term["name"] for term in model["categories"]], CATEGORIES)
    return lambda window: linear(model, window.rows)


def linear(model: dict[str, Any], rows: pd.DataFrame) -> np.ndarray:
    answer = np.full(len(rows), float(model["intercept"]))
    for term in model["numbers"]:
        answer += (rows[term["name"]].to_numpy() - term["mean"]) / term["scale"] * term["coefficient"]
    for term in model["categories"]:  # a value that training never saw adds nothing, as in the script
        known = term["coefficients"]
        answer += np.array([known.get(value, 0.0) for value in rows[term["name"]]], dtype=float)
    return answer


def load_baseline(file: Path) -> Predict:
    name = json.loads(file.read_text(encoding="utf-8")).get("baseline")
    if name not in BASELINES:
        raise Refused(f"there is no baseline {name!r}; this evaluator knows {', '.join(BASELINES)}.")
    return BASELINES[name]


def refuse_unknown(asked: list[str], known: list[str]) -> None:
    if unknown := sorted(set(asked) - set(known)):
        raise Refused(f"it asks for {', '.join(unknown)}, which is not among the inputs known beforehand.")


LOADERS: dict[str, Callable[[Path], Predict]] = {"model.json": load_linear, "baseline.json": load_baseline}


# --- baselines ---


def last_week(window: Window) -> np.ndarray:
    return window.rows["lag_7"].to_numpy()


def yesterday(window: Window) -> np.ndarray:
    return window.rows["lag_1"].to_numpy()


BASELINE = "same-weekday-last-week"
BASELINES: dict[str, Predict] = {BASELINE: last_week, "yesterday": yesterday}


# --- days ---


@cache
def labelled(segment: str, first: date, last: date) -> Window:
    """Days of which something is missing, and the year's first 28, which have no days before, are left out for all."""
    lines = daily_lines(segment, first - timedelta(days=len(LAGS)), last)
    if not lines:
        return Window(segment, first, [], pd.DataFrame())
    days = pd.read_csv(io.StringIO("\n".join(lines)), dtype={"day": str})
    lags = pd.DataFrame({name: days[TARGET].shift(lag) for lag, name in enumerate(LAGS, start=1)})
    days = days.join(lags).assign(weekday=pd.to_datetime(days["day"]).dt.day_name())
    return Window(segment, first, lines, days[days["day"] >= str(first)].dropna(subset=[*INPUTS, TARGET]))


def daily_lines(segment: str, first: date, last: date) -> list[str]:
    file = Path(os.environ["PORTAL_DATA"]) / f"segment={segment}.csv"
    text = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    days = [line for line in text[1:] if str(first) <= line[:10] <= str(last)]
    return [text[0], *days] if days else []


# --- answers ---


def success(scores: pd.DataFrame, digest: str) -> dict[str, Any]:
    by_day = scores.assign(baseline=scores[BASELINE]).groupby("day")
    roles = ["candidate", "champion", "baseline"]
    sums = by_day[[*roles, *BASELINES]].sum(min_count=1)
    daily = [
        {"day": day, "rows": rows}
        | {role: number(sums.at[day, role]) for role in roles}
        | {"baselines": {name: number(sums.at[day, name]) for name in BASELINES}}
        for day, rows in by_day.size().items()
    ]
    return {
        "rows": len(scores),
        "days": len(daily),
        "data_digest": digest,
        "metric": {role: number(sums[role].sum(min_count=1) / len(scores)) for role in roles},
        "daily": daily,
        "error": None,
    }


def failure(sentence: str) -> dict[str, Any]:
    nothing = {"candidate": None, "champion": None, "baseline": None}
    return {"rows": 0, "days": 0, "data_digest": "", "metric": nothing, "daily": [], "error": sentence}


def number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def progress(fraction: float, message: str) -> None:
    print(f"PORTAL_PROGRESS {fraction:.2f} {message}", flush=True)


def write(name: str, content: dict[str, Any]) -> None:
    (Path(os.environ["PORTAL_OUT"]) / name).write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main()
