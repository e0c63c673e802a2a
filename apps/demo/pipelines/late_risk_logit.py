"""Trains one city's logistic regression of late arrivals: how likely is a flight more than 15 minutes late?

A training script under the portal's contract: plain files and environment variables, no SDK, nothing of the
portal is imported. One file without neighbours, so that it can run anywhere, as anyone; therefore the part that
reads the trips stands in the other scripts too, word for word (a test holds them together).
"""

import hashlib
import io
import json
import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["hour", "temp_f", "wind_mph", "precip_in", "visibility_mi"]
CATEGORIES = ["origin", "carrier"]
TARGET = "arr_delay_min"
LATE_MINUTES = 15
NO_DATA = 3
DEFAULTS: dict[str, Any] = {
    "as_of": "2013-07-01",
    "window_months": 3,
    "strength": 0.1,
    "class_weight": "none",
    "threshold": 0.5,
    "min_rows": 60,
    "min_late": 10,
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
    if (count := min(late(trips).sum(), (~late(trips)).sum())) < params["min_late"]:
        no_data(f"Only {count} of the {params['min_late']} late (or punctual) trips needed are there.")
    progress(0.4, f"fitting on {len(trips)} trips")
    metrics = honest_metrics(trips, params)
    model = fit(trips, params)
    progress(0.9, "writing the model")
    write("model.json", json.dumps(coefficients(model, params), indent=1))
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


def late(trips: pd.DataFrame) -> pd.Series:
    return trips[TARGET] > LATE_MINUTES


def honest_metrics(trips: pd.DataFrame, params: dict[str, Any]) -> dict[str, float]:
    """Fits on the first four fifths and reports on the last one, as far as it has late and punctual trips."""
    cut = len(trips) * 4 // 5
    past, future = trips.iloc[:cut], trips.iloc[cut:]
    known = {"rows": float(len(trips)), "late_share": float(late(trips).mean())}
    if late(past).nunique() < 2 or late(future).nunique() < 2:
        return known
    risk = fit(past, params).predict_proba(future)[:, 1]
    warned = risk >= params["threshold"]
    caught = float(warned[late(future)].mean())
    return known | {"auc": float(roc_auc_score(late(future), risk)), "warned": float(warned.mean()), "caught": caught}


def fit(trips: pd.DataFrame, params: dict[str, Any]) -> Pipeline:
    numbers = [name for name in NUMBERS if name in params["features"]]
    categories = [name for name in CATEGORIES if name in params["features"]]
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
        ]
    )
    weight = None if params["class_weight"] == "none" else params["class_weight"]
    logit = LogisticRegression(C=params["strength"], class_weight=weight, max_iter=1_000)
    return Pipeline([("columns", columns), ("logit", logit)]).fit(trips, late(trips))


def coefficients(model: Pipeline, params: dict[str, Any]) -> dict[str, Any]:
    """The model as plain numbers that any program can read: no pickle, no library's own format."""
    columns, weights = model["columns"], [float(weight) for weight in model["logit"].coef_[0]]
    numbers = [name for name in NUMBERS if name in params["features"]]
    categories = [name for name in CATEGORIES if name in params["features"]]
    return {
        "format": "logistic/1",
        "target": f"{TARGET} > {LATE_MINUTES}",
        "warn_from": params["threshold"],
        "intercept": float(model["logit"].intercept_[0]),
        "numbers": number_terms(columns, numbers, weights) if numbers else [],
        "categories": category_terms(columns, categories, weights[len(numbers) :]) if categories else [],
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
    return (
        f"## Risk of a late arrival in {os.environ['PORTAL_SEGMENT']}\n\n"
        f"Logistic regression on {', '.join(params['features'])}: more than {LATE_MINUTES} minutes late or not.\n\n"
        f"- **Trained on** {metrics['rows']:.0f} trips from {first} to {last} (real flights from New York in 2013), "
        f"{metrics['late_share']:.0%} of them late.\n"
        f"- **Reported by the script**, on the last fifth of them: {ranking(metrics)}.\n"
        "- **Not for** telling how late: it only ranks flights by risk, some hours before departure.\n"
    )


def ranking(metrics: dict[str, float]) -> str:
    if "auc" not in metrics:
        return "nothing, because they were all late or all punctual"
    return f"AUC {metrics['auc']:.2f}; a warning for {metrics['warned']:.0%} of flights catches {metrics['caught']:.0%}"


def no_data(reason: str) -> None:
    write("reason.txt", reason)
    sys.exit(NO_DATA)


def progress(fraction: float, message: str) -> None:
    print(f"PORTAL_PROGRESS {fraction} {message}", flush=True)


def write(name: str, text: str) -> None:
    (Path(os.environ["PORTAL_OUT"]) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
