"""Scores candidate, champion and baseline of *Trip ETA* on identical trips, many comparisons in one process.

Runs under the same contract as a training script, but is no training code: the portal starts it and believes
what it says. PORTAL_PARAMS holds

    {"window": {"first": "2013-07-01", "last": "2013-07-31"}, "baseline_months": 3,
     "comparisons": [{"id": "…", "segment": "atlanta",
                      "candidate": {"files": {"model.json": "<name below PORTAL_INPUTS>"}},
                      "champion": {"files": {…}} or null}]}

and `evaluations.json` answers by id with the mean absolute errors in minutes, the sums of absolute errors by
day, and an error sentence where a comparison could not be made; one broken model never stops the others.

Models are not trusted: they are read as JSON or as skops with a list of allowed types, never unpickled, and
they are shown only what is known at departure. A model that asks for the answer gets a sentence instead.
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

NUMBERS = ["distance_mi", "hour", "dep_delay_min", "temp_f", "wind_mph", "precip_in", "visibility_mi"]
CATEGORIES = ["origin", "carrier"]
INPUTS = NUMBERS + CATEGORIES
TARGET = "air_time_min"
BASELINE_MONTHS = 3
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]

Predict = Callable[[pd.DataFrame], np.ndarray]


class Refused(Exception):
    """A comparison that can't be made; the message is a sentence for a person."""


@dataclass(frozen=True)
class Window:
    """The labelled trips of some days: the raw lines for the digest, the usable ones as a table."""

    lines: list[str]
    trips: pd.DataFrame

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256("\n".join(self.lines[1:]).encode()).hexdigest()


def main() -> None:
    params = json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text(encoding="utf-8"))
    with np.errstate(all="ignore"):  # a model that overflows gets its sentence, not a warning in the log
        results = dict(evaluations(params))
    write("evaluations.json", results)
    write("metrics.json", {"comparisons": len(results)})


def evaluations(params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    first, last = (date.fromisoformat(params["window"][end]) for end in ("first", "last"))
    months = params.get("baseline_months", BASELINE_MONTHS)
    for done, comparison in enumerate(params["comparisons"]):
        progress(done / len(params["comparisons"]), comparison["segment"])
        yield comparison["id"], outcome(comparison, first, last, months)


def outcome(comparison: dict[str, Any], first: date, last: date, baseline_months: int) -> dict[str, Any]:
    try:
        return compare(comparison, first, last, baseline_months)
    except Refused as refusal:
        return failure(str(refusal))


def compare(comparison: dict[str, Any], first: date, last: date, baseline_months: int) -> dict[str, Any]:
    segment = comparison["segment"]
    window = labelled(segment, first, last)
    if window.trips.empty:
        raise Refused(f"There is no labelled trip of {segment} between {first} and {last}.")
    errors = pd.DataFrame({"day": window.trips["day"]})
    errors["candidate"] = absolute_errors("candidate", comparison["candidate"], window.trips)
    errors["champion"] = absolute_errors("champion", comparison.get("champion"), window.trips)
    errors["baseline"] = (window.trips[TARGET] - usual_minutes(segment, first, baseline_months)).abs()
    return success(errors, window.digest)


def absolute_errors(role: str, model: dict[str, Any] | None, trips: pd.DataFrame) -> Any:
    """Minutes by trip; NaN everywhere where there is no such model."""
    if model is None:
        return np.nan
    try:
        predicted = load(model["files"])(trips[INPUTS])
    except Refused as refusal:
        raise Refused(f"The {role} could not be scored: {refusal}") from None
    except Exception as error:  # whatever a broken file makes a library raise stays with this comparison
        raise Refused(f"The {role} could not be scored: its file is broken ({type(error).__name__}).") from error
    if predicted.shape != (len(trips),) or not np.isfinite(np.abs(predicted).sum()):
        raise Refused(f"The {role} could not be scored: it does not predict one finite number for each trip.")
    return np.abs(predicted - trips[TARGET].to_numpy())


# --- models ---


def load(files: dict[str, str]) -> Predict:
    for name, read in LOADERS.items():
        if name in files:
            return read(Path(os.environ["PORTAL_INPUTS"]) / files[name])
    raise Refused(f"it has none of the files this evaluator can read ({', '.join(LOADERS)}).")


def load_linear(file: Path) -> Predict:
    """`linear/1`: an intercept, standardised numbers, one coefficient for each value of a category."""
    model = json.loads(file.read_text(encoding="utf-8"))
    if model.get("format") != "linear/1":
        raise Refused(f"its format is {model.get('format')!r}; this evaluator reads 'linear/1'.")
    refuse_unknown([term["name"] for term in model["numbers"]], NUMBERS)
    refuse_unknown([term["name"] for term in model["categories"]], CATEGORIES)
    return lambda trips: linear(model, trips)


def linear(model: dict[str, Any], trips: pd.DataFrame) -> np.ndarray:
    predicted = np.full(len(trips), float(model["intercept"]))
    for term in model["numbers"]:
        predicted += (trips[term["name"]].to_numpy() - term["mean"]) / term["scale"] * term["coefficient"]
    for term in model["categories"]:  # a value that training never saw adds nothing, as in the script
        known = term["coefficients"]
        predicted += np.array([known.get(value, 0.0) for value in trips[term["name"]]], dtype=float)
    return predicted


def load_skops(file: Path) -> Predict:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        model = skops.io.load(file, trusted=TRUSTED)
    except UntrustedTypesFoundException:
        raise Refused("model.skops holds types that are not on the evaluator's list.") from None
    columns = [str(name) for name in model.feature_names_in_]
    refuse_unknown(columns, INPUTS)
    return lambda trips: np.asarray(model.predict(trips[columns]), dtype=float)


def refuse_unknown(asked: list[str], known: list[str]) -> None:
    if unknown := sorted(set(asked) - set(known)):
        raise Refused(f"it asks for {', '.join(unknown)}, which is not among the inputs known at departure.")


LOADERS: dict[str, Callable[[Path], Predict]] = {"model.json": load_linear, "model.skops": load_skops}


# --- trips ---


@cache
def labelled(segment: str, first: date, last: date) -> Window:
    lines = window_lines(segment, first, last)
    if not lines:
        return Window([], pd.DataFrame())
    trips = pd.read_csv(io.StringIO("\n".join(lines)), dtype={"day": str, "origin": str, "carrier": str})
    return Window(lines, trips.dropna(subset=[*INPUTS, TARGET]))


def window_lines(segment: str, first: date, last: date) -> list[str]:
    lake = Path(os.environ["PORTAL_DATA"])
    months = [lake / f"month={m}/segment={segment}.csv" for m in pd.period_range(first, last, freq="M")]
    texts = [file.read_text(encoding="utf-8").splitlines() for file in months if file.exists()]
    trips = [line for text in texts for line in text[1:] if str(first) <= line[:10] <= str(last)]
    return [texts[0][0], *trips] if trips else []


def usual_minutes(segment: str, first: date, months: int) -> float:
    """The baseline: the plain median of the months before the window; NaN when there was no trip."""
    begin = (pd.Timestamp(first) - pd.DateOffset(months=months)).date()
    trips = labelled(segment, begin, first - timedelta(days=1)).trips
    return float("nan") if trips.empty else float(trips[TARGET].median())


# --- answers ---


def success(errors: pd.DataFrame, digest: str) -> dict[str, Any]:
    roles = ["candidate", "champion", "baseline"]
    by_day = errors.groupby("day")
    sums = by_day[roles].sum(min_count=1)
    daily = [
        {"day": day, "rows": rows} | {role: number(sums.at[day, role]) for role in roles}
        for day, rows in by_day.size().items()
    ]
    return {
        "rows": len(errors),
        "days": len(daily),
        "data_digest": digest,
        "metric": {role: number(errors[role].mean()) for role in roles},
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
