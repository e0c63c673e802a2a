"""Looks at the trips of one city, and tells what it finds as an event of an asset: the portal makes it a signal."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from airflow.sdk import Asset, Param, dag, task

TRIPS = Path(os.environ.get("TRIPS_FOLDER", "trips"))
TRIPS_OF_A_CITY = Asset(name="trips_of_a_city", uri="trips://city")


@dag(
    schedule=None,
    tags=["watch", "city"],
    description="Look at the trips of one city",
    params={
        "city": Param("atlanta", type="string", title="City"),
        "longest": Param(40.0, type="number", title="Longest mean trip, km"),
    },
)
def watch_city():
    @task(outlets=[TRIPS_OF_A_CITY])
    def watch(params: dict | None = None, outlet_events: dict | None = None) -> None:
        with (TRIPS / f"{params['city']}.csv").open() as file:
            lengths = [float(row["km"]) for row in csv.DictReader(file)]
        mean = sum(lengths) / len(lengths)
        outlet_events[TRIPS_OF_A_CITY].extra = {
            "family": "eta-trip",
            "segment": params["city"],
            "kind": "drift",
            "verdict": "alarm" if mean > params["longest"] else "fine",
            "feature": "km",
            "measure": "mean",
            "value": mean,
            "threshold": params["longest"],
        }

    watch()


watch_city()
