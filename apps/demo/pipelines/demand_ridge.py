"""Trains one city's ridge regression of the flights of a day, one day ahead.

A training script under the portal's contract: plain files and environment variables, no SDK, nothing of the
portal is imported. One file without neighbours: its sha256 names all that it does, and it runs anywhere, as anyone.
"""

import hashlib
import io
import json
import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

WEATHER = ["temp_f", "precip_in", "wind_mph"]
LONGEST_LAG = 28
TARGET = "scheduled"
NO_DATA = 3
DEFAULTS: dict[str, Any] = {
    "as_of": "2013-07-01",
    "window_months": 6,
    "lags": [1, 2, 3, 7],
    "weather": True,
    "alpha": 1.0,
    "min_rows": 60,
}


def main() -> None:
    params = DEFAULTS | json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text(encoding="utf-8"))
    progress(0.1, "reading the days")
    first, last = window(params["as_of"], params["window_months"])
    lines = daily_lines(first - timedelta(days=LONGEST_LAG), last)
    days = usable(lines, first, params)
    if len(days) < params["min_rows"]:
        no_data(f"Only {len(days)} of the {params['min_rows']} days needed between {first} and {last}.")
    if not days[TARGET].any():
        no_data(f"Nobody flew there between {first} and {last}.")
    progress(0.4, f"fitting on {len(days)} days")
    metrics = honest_metrics(days, params)
    model = fit(days, params)
    progress(0.9, "writing the model")
    write("model.json", json.dumps(coefficients(model, params), indent=1))
    write("metrics.json", json.dumps(metrics))
    write("data.json", json.dumps(provenance(lines, days, first, last)))
    write("card.md", card(params, metrics, first, last))
    progress(1.0, "done")


def window(as_of: str, months: int) -> tuple[date, date]:
    """The days that are trained on: `months` months that end the day before `as_of`."""
    end = date.fromisoformat(as_of)
    return (pd.Timestamp(end) - pd.DateOffset(months=months)).date(), end - timedelta(days=1)


def daily_lines(first: date, last: date) -> list[str]:
    """The raw lines of the segment's days, header first; the day stands at the start of each line."""
    file = Path(os.environ["PORTAL_DATA"]) / f"segment={os.environ['PORTAL_SEGMENT']}.csv"
    text = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    days = [line for line in text[1:] if str(first) <= line[:10] <= str(last)]
    return [text[0], *days] if days else []


def usable(lines: list[str], first: date, params: dict[str, Any]) -> pd.DataFrame:
    """The window's days with what was known the day before, without those where a value is missing."""
    if not lines:
        return pd.DataFrame()
    days = pd.read_csv(io.StringIO("\n".join(lines)), parse_dates=["day"]).set_index("day").asfreq("D")
    for lag in params["lags"]:
        days[f"lag_{lag}"] = days[TARGET].shift(lag)
    days["weekday"] = days.index.day_name()
    return days.loc[str(first) :].dropna(subset=[*numbers_of(params), TARGET])


def numbers_of(params: dict[str, Any]) -> list[str]:
    return [f"lag_{lag}" for lag in params["lags"]] + (WEATHER if params["weather"] else [])


def honest_metrics(days: pd.DataFrame, params: dict[str, Any]) -> dict[str, float]:
    """Fits on the first four fifths and reports the error on the last one, as a share of its flights."""
    cut = len(days) * 4 // 5
    past, future = days.iloc[:cut], days.iloc[cut:]
    model = fit(past, params)
    wrong = np.abs(np.maximum(model.predict(future), 0) - future[TARGET])
    return {
        "wape": float(wrong.sum() / max(future[TARGET].sum(), 1)),
        "mae": float(wrong.mean()),
        "rows": len(days),
    }


def fit(days: pd.DataFrame, params: dict[str, Any]) -> Pipeline:
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), numbers_of(params)),
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["weekday"]),
        ]
    )
    # svd is the one solver that does not mind alpha = 0 with columns that depend on each other.
    steps = [("columns", columns), ("ridge", Ridge(alpha=params["alpha"], solver="svd"))]
    return Pipeline(steps).fit(days, days[TARGET])


def coefficients(model: Pipeline, params: dict[str, Any]) -> dict[str, Any]:
    """The model as plain numbers that any program can read: no pickle, no library's own format."""
    columns, weights = model["columns"], [float(weight) for weight in model["ridge"].coef_]
    numbers = numbers_of(params)
    return {
        "format": "linear/1",
        "target": TARGET,
        "intercept": float(model["ridge"].intercept_),
        "numbers": number_terms(columns, numbers, weights),
        "categories": category_terms(columns, ["weekday"], weights[len(numbers) :]),
    }


def number_terms(columns: ColumnTransformer, names: list[str], weights: list[float]) -> list[dict[str, Any]]:
    scaler = columns.named_transformers_["numbers"]
    return [
        {"name": name, "mean": float(mean), "scale": float(scale), "coefficient": weight}
        for name, mean, scale, weight in zip(names, scaler.mean_, scaler.scale_, weights, strict=False)
    ]


def category_terms(columns: ColumnTransformer, names: list[str], weights: list[float]) -> list[dict[str, Any]]:
    values_of = columns.named_transformers_["categories"].categories_
    left = iter(weights)
    return [
        {"name": name, "coefficients": {str(value): next(left) for value in values}}
        for name, values in zip(names, values_of, strict=True)
    ]


def provenance(lines: list[str], used: pd.DataFrame, first: date, last: date) -> dict[str, Any]:
    digest = hashlib.sha256("\n".join(lines[1:]).encode()).hexdigest()
    return {"first": str(first), "last": str(last), "rows": len(used), "digest": f"sha256:{digest}"}


def card(params: dict[str, Any], metrics: dict[str, float], first: date, last: date) -> str:
    lags = ", ".join(str(lag) for lag in params["lags"])
    weather = " and the weather of the day" if params["weather"] else ""
    return (
        f"## Flights a day to {os.environ['PORTAL_SEGMENT']}\n\n"
        f"Ridge regression on the weekday, the flights {lags} days before{weather}.\n\n"
        f"- **Trained on** {metrics['rows']} days from {first} to {last} (real flights from New York in 2013).\n"
        f"- **Reported by the script**, on the last fifth of them: {metrics['wape']:.1%} of the flights missed.\n"
        "- **Not for** more than one day ahead: it wants to know how many flew yesterday.\n"
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
