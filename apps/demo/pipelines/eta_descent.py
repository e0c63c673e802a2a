"""Trains one city's linear model of the minutes in the air by gradient descent, and logs it with plain MLflow.

Nothing is set but what the portal gives every script: MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN and MLFLOW_RUN_ID.
`mlflow.start_run()` goes on with the run that the portal has opened, so the loss of each epoch is on the run's page
while it trains. The same script logs to any other MLflow server.
"""

import hashlib
import io
import json
import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

NUMBERS = ["distance_mi", "hour", "dep_delay_min", "temp_f", "wind_mph", "precip_in", "visibility_mi"]
TARGET = "air_time_min"
NO_DATA = 3
DEFAULTS: dict[str, Any] = {
    "as_of": "2013-07-01",
    "window_months": 3,
    "epochs": 60,
    "learning_rate": 0.2,
    "min_rows": 60,
}


def main() -> None:
    params = DEFAULTS | json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text(encoding="utf-8"))
    progress(0.1, "reading the trips")
    first, last = window(params["as_of"], params["window_months"])
    lines = window_lines(first, last)
    trips = usable(lines, NUMBERS)
    if len(trips) < params["min_rows"]:
        no_data(f"Only {len(trips)} of the {params['min_rows']} rows needed between {first} and {last}.")
    with mlflow.start_run():
        mlflow.set_tag("optimizer", "gradient descent")
        mlflow.log_metric("rows", len(trips))
        mlflow.log_metric("mae", honest_error(trips, params))
        model = fit(trips, params)
        mlflow.log_dict(model, "model.json")
        mlflow.log_dict(provenance(lines, trips, first, last), "data.json")
        mlflow.log_text(card(len(trips), params, first, last), "card.md")
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


def honest_error(trips: pd.DataFrame, params: dict[str, Any]) -> float:
    """Fits on the first four fifths and answers the mean error on the last one, in minutes."""
    cut = len(trips) * 4 // 5
    past, future = trips.iloc[:cut], trips.iloc[cut:]
    model = fit(past, params, step=None)
    predicted = model["intercept"] + sum(
        (future[term["name"]] - term["mean"]) / term["scale"] * term["coefficient"] for term in model["numbers"]
    )
    return float((predicted - future[TARGET]).abs().mean())


def fit(trips: pd.DataFrame, params: dict[str, Any], step: int | None = 0) -> dict[str, Any]:
    """The model as plain numbers; logs the loss of every epoch where `step` counts them."""
    rows, target = trips[NUMBERS].to_numpy(float), trips[TARGET].to_numpy(float)
    mean, scale = rows.mean(axis=0), np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1.0)
    scaled, intercept = (rows - mean) / scale, float(target.mean())
    weights = np.zeros(len(NUMBERS))
    for epoch in range(params["epochs"]):
        errors = scaled @ weights + intercept - target
        weights = weights - params["learning_rate"] * scaled.T @ errors / len(target)
        if step is not None:
            mlflow.log_metric("loss", float((errors**2).mean()), step=step + epoch)
            progress(0.2 + 0.7 * (epoch + 1) / params["epochs"], f"epoch {epoch + 1}")
    return {
        "format": "linear/1",
        "target": TARGET,
        "intercept": intercept,
        "numbers": [
            {"name": name, "mean": float(m), "scale": float(s), "coefficient": float(w)}
            for name, m, s, w in zip(NUMBERS, mean, scale, weights, strict=True)
        ],
        "categories": [],
    }


def card(rows: int, params: dict[str, Any], first: date, last: date) -> str:
    return (
        f"## Minutes in the air to {os.environ['PORTAL_SEGMENT']}\n\n"
        f"Linear regression by gradient descent, {params['epochs']} epochs, logged with plain MLflow.\n\n"
        f"- **Trained on** {rows} trips from {first} to {last} (real flights from New York in 2013).\n"
        "- **Not for** a season that the window has not seen: winter winds make the way west longer.\n"
    )


def provenance(lines: list[str], used: pd.DataFrame, first: date, last: date) -> dict[str, Any]:
    digest = hashlib.sha256("\n".join(lines[1:]).encode()).hexdigest()
    return {"first": str(first), "last": str(last), "rows": len(used), "digest": f"sha256:{digest}"}


def no_data(reason: str) -> None:
    write("reason.txt", reason)
    sys.exit(NO_DATA)


def progress(fraction: float, message: str) -> None:
    print(f"PORTAL_PROGRESS {fraction} {message}", flush=True)


def write(name: str, text: str) -> None:
    (Path(os.environ["PORTAL_OUT"]) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
