"""Retrains the ETA model of one city and logs to the portal by plain MLflow, while it trains.

Airflow keeps one credential for it: a connection `mlportal`, whose host is the portal's address and whose password is
an API token with the scope `retraining:log`. With that the task asks for a token of its own run.
"""

from __future__ import annotations

import csv
import json
import os
from datetime import timedelta
from pathlib import Path

import requests
from airflow.sdk import Connection, Param, dag, task
from airflow.sdk.log import mask_secret

TRIPS = Path(os.environ.get("TRIPS_FOLDER", "trips"))
EPOCHS = 20


def log_to_the_portal(dag_run_id: str) -> None:
    """From here on `mlflow.start_run()` goes on with the run that the portal opened for this DAG run."""
    portal = Connection.get("mlportal")
    answer = requests.post(
        f"{portal.host}/api/v1/run-tokens/",
        json={"key": dag_run_id},
        headers={"Authorization": f"Bearer {portal.password}"},
        timeout=30,
    )
    answer.raise_for_status()
    lent = answer.json()
    mask_secret(lent["token"])  # whatever prints it, Airflow's log shows ***
    os.environ["MLFLOW_TRACKING_URI"] = portal.host
    os.environ["MLFLOW_TRACKING_TOKEN"] = lent["token"]
    os.environ["MLFLOW_RUN_ID"] = lent["run_id"]


@dag(
    schedule=None,
    tags=["retrain", "city", "mlflow"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=1)},
    description="Retrain the ETA model of one city, logged by MLflow",
    params={
        "city": Param("atlanta", type="string", title="City", description="City whose model is retrained"),
        "rate": Param(0.3, type="number", exclusiveMinimum=0, maximum=1, title="Learning rate"),
    },
)
def retrain_city_mlflow():
    @task
    def train(params: dict | None = None, run_id: str | None = None) -> None:
        log_to_the_portal(run_id)
        import mlflow

        with (TRIPS / f"{params['city']}.csv").open() as file:
            rows = [(float(row["km"]), float(row["minutes"])) for row in csv.DictReader(file)]
        held_out, seen = rows[::5], [row for at, row in enumerate(rows) if at % 5]
        scale = max(km for km, _ in seen)
        slope = base = 0.0
        with mlflow.start_run():
            mlflow.set_tag("dag_run", run_id)
            for epoch in range(EPOCHS):
                missed = [(base + slope * km / scale - minutes, km / scale) for km, minutes in seen]
                base -= params["rate"] * sum(error for error, _ in missed) / len(missed)
                slope -= params["rate"] * sum(error * x for error, x in missed) / len(missed)
                mlflow.log_metric("loss", sum(error**2 for error, _ in missed) / len(missed), step=epoch)
            errors = [abs(base + slope * km / scale - minutes) for km, minutes in held_out]
            mlflow.log_metric("mae", sum(errors) / len(errors))
            mlflow.log_text(json.dumps({"base": base, "minutes_per_km": slope / scale}), "model.json")

    train()


retrain_city_mlflow()
