"""Scores candidate, champion and baseline of *Late arrivals* on identical trips, many comparisons in one process.

The same contract as `eta_evaluator.py`; what both do, they do in the same words (a test holds them together).

The metric is AUC: how often a late trip had been given a higher risk than a punctual one (a tie counts half). AUC is no
mean over trips, but it is one over their *placements*: a late trip's is the share of punctual ones ranked below it, a
punctual trip's the share of late ones above it. Each trip's score is AUC plus its placement's distance from it,
weighted so that the mean of all is AUC and the variance of that mean is DeLong's (Biometrics 44, 1988). Summed by day
they are what the portal draws again.

A model is shown what is known hours before departure. One that asks for the delay gets a sentence instead.
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

NUMBERS = ["hour", "temp_f", "wind_mph", "precip_in", "visibility_mi"]
CATEGORIES = ["origin", "carrier"]
INPUTS = NUMBERS + CATEGORIES
TARGET = "arr_delay_min"
LATE_MINUTES = 15
FORMAT = "logistic/1"
BASELINE_MONTHS = 3


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
        raise Refused(f"There is no labelled trip of {window.segment} between {first} and {last}.")
    if late(window.rows).nunique() < 2:
        raise Refused(f"The trips of {window.segment} were all late or all punctual: there is nothing to tell apart.")
    scores = pd.DataFrame({"day": window.rows["day"]})
    for role in ("candidate", "champion"):
        scores[role] = placements(predicted(role, comparison.get(role), window), late(window.rows).to_numpy())
    for name, baseline in BASELINES.items():
        scores[name] = placements(baseline(window), late(window.rows).to_numpy())
    return success(scores, window.digest)


def late(trips: pd.DataFrame) -> pd.Series:
    return trips[TARGET] > LATE_MINUTES


def placements(risk: Any, is_late: np.ndarray) -> Any:
    """One score for each trip, whose mean is AUC; NaN everywhere where there is no risk to rank by."""
    if np.isnan(risk).any():
        return np.nan
    lates, others = risk[is_late], risk[~is_late]
    above = (lates[:, None] > others) + 0.5 * (lates[:, None] == others)
    auc = above.mean()
    scores = np.full(len(risk), auc)
    scores[is_late] += (above.mean(axis=1) - auc) * len(risk) / len(lates)
    scores[~is_late] += (above.mean(axis=0) - auc) * len(risk) / len(others)
    return scores


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


def usual_share(window: Window) -> np.ndarray:
    """How many trips of that hour were late in the months before the window; NaN when there was no trip."""
    begin = (pd.Timestamp(window.first) - pd.DateOffset(months=BASELINE_MONTHS)).date()
    before = labelled(window.segment, begin, window.first - timedelta(days=1)).rows
    if before.empty:
        return np.full(len(window.rows), np.nan)
    shares = late(before).groupby(before["hour"]).mean()
    return window.rows["hour"].map(shares).fillna(late(before).mean()).to_numpy()


BASELINE = "usual-share-of-the-hour"
BASELINES: dict[str, Predict] = {BASELINE: usual_share}


# --- trips ---


@cache
def labelled(segment: str, first: date, last: date) -> Window:
    lines = window_lines(segment, first, last)
    if not lines:
        return Window(segment, first, [], pd.DataFrame())
    trips = pd.read_csv(io.StringIO("\n".join(lines)), dtype={"day": str, "origin": str, "carrier": str})
    return Window(segment, first, lines, trips.dropna(subset=[*INPUTS, TARGET]))


def window_lines(segment: str, first: date, last: date) -> list[str]:
    lake = Path(os.environ["PORTAL_DATA"])
    months = [lake / f"month={m}/segment={segment}.csv" for m in pd.period_range(first, last, freq="M")]
    texts = [file.read_text(encoding="utf-8").splitlines() for file in months if file.exists()]
    trips = [line for text in texts for line in text[1:] if str(first) <= line[:10] <= str(last)]
    return [texts[0][0], *trips] if trips else []


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
