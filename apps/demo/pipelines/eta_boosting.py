"""Trains one city's boosted trees for the minutes in the air.

A training script under the portal's contract: plain files and environment variables, no SDK, nothing of the
portal is imported. One file without neighbours, so that it can run anywhere, as anyone; therefore the part that
reads the trips stands in the other scripts too, word for word (a test holds them together).
"""

import hashlib
import io
import json
import os
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

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
    "max_iter": 100,
    "max_depth": 3,
    "learning_rate": 0.1,
    "min_rows": 60,
    "features": NUMBERS + CATEGORIES,
}


def main() -> None:
    params = DEFAULTS | json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text(encoding="utf-8"))
    progress(0.1, "reading the trips")
    first, last = window(params["as_of"], params["window_months"])
    lines = window_lines(first, last)
    trips = usable(lines, params["features"])
    if len(trips) < params["min_rows"]:
        no_data(f"Only {len(trips)} of the {params['min_rows']} rows needed between {first} and {last}.")
    progress(0.4, f"fitting on {len(trips)} trips")
    with threadpool_limits(1):  # many cities train side by side; a city's trees gain nothing from threads
        metrics = honest_metrics(trips, params)
        model = fit(trips, params)
    progress(0.9, "writing the model")
    skops.io.dump(model, Path(os.environ["PORTAL_OUT"]) / "model.skops", compression=zipfile.ZIP_DEFLATED)
    write("metrics.json", json.dumps(metrics))
    write("data.json", json.dumps(provenance(lines, trips, first, last)))
    write("card.md", card("Boosted trees", params, metrics, first, last))
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


def honest_metrics(trips: pd.DataFrame, params: dict[str, Any]) -> dict[str, float]:
    """Fits on the first four fifths and reports the errors on the last one, in minutes."""
    cut = len(trips) * 4 // 5
    past, future = trips.iloc[:cut], trips.iloc[cut:]
    model = fit(past, params)
    errors = model.predict(future) - future[TARGET]
    return {
        "mae": float(errors.abs().mean()),
        "rmse": float((errors**2).mean() ** 0.5),
        "mae_train": float((model.predict(past) - past[TARGET]).abs().mean()),
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


def card(kind: str, params: dict[str, Any], metrics: dict[str, float], first: date, last: date) -> str:
    return (
        f"## Minutes in the air to {os.environ['PORTAL_SEGMENT']}\n\n"
        f"{kind} on {', '.join(params['features'])}.\n\n"
        f"- **Trained on** {metrics['rows']} trips from {first} to {last} (real flights from New York in 2013).\n"
        f"- **Reported by the script**, on the last fifth of them: {metrics['mae']:.1f} minutes mean error.\n"
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
