"""Measures how sure one city's boosted trees can be: refits them on the trips drawn again, hundreds of times.

The long pipeline: a minute or more per city, with a line of progress for each refit in a hundred. The model is the
one of `eta_boosting.py`, and so is the part that reads the trips, word for word (a test holds them together).
What is new is `interval.json`: the error out of bag, with the interval that chance alone explains.
"""

import hashlib
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

NUMBERS = ["distance_mi", "hour", "dep_delay_min", "temp_f", "wind_mph", "precip_in", "visibility_mi"]
CATEGORIES = ["origin", "carrier"]
TARGET = "air_time_min"
NO_DATA = 3
DEFAULTS: dict[str, Any] = {
    "as_of": "2013-07-01",
    "window_months": 3,
    "n": 1000,
    "level": 0.9,
    "by_day": True,
    "seed": 2013,
    "max_iter": 100,
    "max_depth": 3,
    "learning_rate": 0.1,
    "min_rows": 60,
    "features": NUMBERS + CATEGORIES,
}


def main() -> None:
    params = DEFAULTS | json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text(encoding="utf-8"))
    progress(0.0, "reading the trips")
    first, last = window(params["as_of"], params["window_months"])
    lines = window_lines(first, last)
    trips = usable(lines, params["features"])
    if len(trips) < params["min_rows"]:
        no_data(f"Only {len(trips)} of the {params['min_rows']} rows needed between {first} and {last}.")
    with threadpool_limits(1):  # many cities train side by side; a city's trees gain nothing from threads
        errors = np.array(list(errors_out_of_bag(trips, params)))
        model = fit(trips, params)
    metrics = metrics_of(errors, trips, params)
    skops.io.dump(model, Path(os.environ["PORTAL_OUT"]) / "model.skops", compression=zipfile.ZIP_DEFLATED)
    write("interval.json", json.dumps({"level": params["level"], "mae": [round(float(x), 4) for x in sorted(errors)]}))
    write("metrics.json", json.dumps(metrics))
    write("data.json", json.dumps(provenance(lines, trips, first, last)))
    write("card.md", card(params, metrics, first, last))
    progress(1.0, "done")


def window(as_of: str, months: int) -> tuple[date, date]:
    """The days that are trained on: `months` months that end the day before `as_of`."""
    end = date.fromisoformat(as_of)
    return (pd.Timestamp(end) - pd.DateOffset(months=months)).date(), end - timedelta(days=1)


def window_lines(first: date, last: date) -> list[str]:
    """The raw lines of the segment's trips, header first; the day stands at the start of each line.

    The segment `global` stands for all: its model is trained on every destination's trips.
    """
    lake, segment = Path(os.environ["PORTAL_DATA"]), os.environ["PORTAL_SEGMENT"]
    name = f"segment={'*' if segment == 'global' else segment}.csv"
    months = pd.period_range(first, last, freq="M")
    files = [file for month in months for file in sorted((lake / f"month={month}").glob(name))]
    texts = [file.read_text(encoding="utf-8").splitlines() for file in files]
    trips = [line for text in texts for line in text[1:] if str(first) <= line[:10] <= str(last)]
    return [texts[0][0], *trips] if trips else []


def usable(lines: list[str], features: list[str]) -> pd.DataFrame:
    """The trips in the order of days, without those where a value is missing."""
    if not lines:
        return pd.DataFrame()
    trips = pd.read_csv(io.StringIO("\n".join(lines)), dtype={"origin": str, "carrier": str})
    return trips.dropna(subset=[*features, TARGET]).sort_values(["day", "hour"], kind="stable")


def errors_out_of_bag(trips: pd.DataFrame, params: dict[str, Any]) -> Iterator[float]:
    """The mean absolute error of each refit on the trips that its draw left out, in minutes."""
    chance = np.random.default_rng(params["seed"])
    for done in range(params["n"]):
        drawn = draw(trips, chance, by_day=params["by_day"])
        rest = np.setdiff1d(np.arange(len(trips)), drawn)
        if len(rest):
            out = trips.iloc[rest]
            yield float((fit(trips.iloc[drawn], params).predict(out) - out[TARGET]).abs().mean())
        if (done + 1) % max(params["n"] // 100, 1) == 0:
            progress((done + 1) / params["n"], f"{done + 1:,} of {params['n']:,} refits")


def draw(trips: pd.DataFrame, chance: np.random.Generator, *, by_day: bool) -> np.ndarray:
    """Positions of as many rows as there are, drawn with replacement; of whole days, as trips of a day are alike."""
    if not by_day:
        return chance.integers(0, len(trips), len(trips))
    positions = trips.groupby("day").indices
    days = list(positions)
    return np.concatenate([positions[days[day]] for day in chance.integers(0, len(days), len(days))])


def metrics_of(errors: np.ndarray, trips: pd.DataFrame, params: dict[str, Any]) -> dict[str, float]:
    tail = (1 - params["level"]) / 2
    low, high = np.quantile(errors, [tail, 1 - tail])
    return {
        "mae": float(errors.mean()),
        "mae_low": float(low),
        "mae_high": float(high),
        "refits": len(errors),
        "rows": len(trips),
    }


def fit(trips: pd.DataFrame, params: dict) -> Pipeline:
    numbers = [name for name in NUMBERS if name in params["features"]]
    categories = [name for name in CATEGORIES if name in params["features"]]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("categories", encoder, categories), ("numbers", "passthrough", numbers)])
    trees = HistGradientBoostingRegressor(
        max_iter=params["max_iter"],
        max_depth=params["max_depth"],
        learning_rate=params["learning_rate"],
        early_stopping=False,  # a few hundred rows are too few to set some aside
        random_state=0,
    )
    steps = [("columns", columns), ("trees", trees)]
    return Pipeline(steps).fit(trips[[*numbers, *categories]], trips[TARGET])


def provenance(lines: list[str], used: pd.DataFrame, first: date, last: date) -> dict[str, Any]:
    digest = hashlib.sha256("\n".join(lines[1:]).encode()).hexdigest()
    return {"first": str(first), "last": str(last), "rows": len(used), "digest": f"sha256:{digest}"}


def card(params: dict[str, Any], metrics: dict[str, float], first: date, last: date) -> str:
    return (
        f"## Minutes in the air to {os.environ['PORTAL_SEGMENT']}, and how sure that is\n\n"
        f"Boosted trees on {', '.join(params['features'])}.\n\n"
        f"- **Trained on** {metrics['rows']} trips from {first} to {last} (real flights from New York in 2013).\n"
        f"- **Reported by the script**, out of bag over {metrics['refits']} refits: {metrics['mae']:.1f} minutes mean "
        f"error, {params['level']:.0%} interval {metrics['mae_low']:.1f} to {metrics['mae_high']:.1f}.\n"
        "- **Not for** a season that the window has not seen: winter winds make the way west longer.\n"
    )


def no_data(reason: str) -> None:
    write("reason.txt", reason)
    sys.exit(NO_DATA)


def progress(fraction: float, message: str) -> None:
    print(f"PORTAL_PROGRESS {fraction} {message}", flush=True)


def write(name: str, text: str) -> None:
    (Path(os.environ["PORTAL_OUT"]) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
