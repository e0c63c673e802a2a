"""Retrains the ETA model of one city: a straight line through its trips, judged on trips that it has not seen."""

from __future__ import annotations

import csv
import os
import time
from datetime import timedelta
from pathlib import Path

from airflow.sdk import Param, dag, task

TRIPS = Path(os.environ.get("TRIPS_FOLDER", "trips"))


@dag(
    schedule=None,
    tags=["retrain", "city"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=1)},  # a task that is killed with its scheduler
    description="Retrain the ETA model of one city",
    params={
        "city": Param("atlanta", type="string", title="City", description="City whose model is retrained"),
        "lookback_days": Param(28, type="integer", minimum=1, maximum=365, title="Look-back, days"),
        "train_until": Param("2013-07-01", type="string", format="date", title="Train until"),
        "ticket": Param(type="string", minLength=3, pattern="^[A-Z]+-[0-9]+$", description="Why: the ticket"),
        "notify": Param(None, type=["null", "string"], format="email", section="Advanced"),
        "seconds": Param(0, type="number", minimum=0, maximum=600, section="Advanced"),
        "slow_for": Param("", type="string", section="Advanced"),
        "fails_for": Param("", type="string", section="Advanced"),
    },
)
def retrain_city():
    @task
    def extract(params: dict | None = None) -> dict:
        with (TRIPS / f"{params['city']}.csv").open() as file:
            rows = [(float(row["km"]), float(row["minutes"])) for row in csv.DictReader(file)]
        print(f"{len(rows)} trips of {params['city']}")
        return {"rows": rows}

    @task
    def train(extracted: dict, params: dict | None = None) -> dict:
        for second in range(590 if params["city"] == params["slow_for"] else int(params["seconds"])):
            print(f"epoch {second}", flush=True)
            time.sleep(1)
        if params["city"] == params["fails_for"] and not (TRIPS / f"{params['city']}.mended").exists():
            raise ValueError(f"the matrix of {params['city']} is singular")
        rows = [tuple(row) for row in extracted["rows"]]
        held_out, seen = rows[::5], [row for at, row in enumerate(rows) if at % 5]
        mean_x, mean_y = (sum(row[axis] for row in seen) / len(seen) for axis in (0, 1))
        slope = sum((x - mean_x) * (y - mean_y) for x, y in seen) / sum((x - mean_x) ** 2 for x, _ in seen)
        errors = [abs(mean_y + slope * (x - mean_x) - y) for x, y in held_out]
        return {"mae": sum(errors) / len(errors), "slope": slope, "rows": len(rows), "city": params["city"]}

    train(extract())


retrain_city()
