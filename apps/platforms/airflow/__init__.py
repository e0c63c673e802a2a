"""Apache Airflow over its REST API: 3.x (`/api/v2`) in full, 2.x (`/api/v1`) to trigger, poll, log and cancel."""

from __future__ import annotations

from apps.platforms.airflow.client import AirflowServer
from apps.platforms.airflow.runs import Airflow
from apps.platforms.airflow.runs_v1 import AirflowTwo

__all__ = ["Airflow", "AirflowServer", "AirflowTwo", "airflow"]


def airflow(address: str, secret: str) -> Airflow:
    """The platform in the dialect that the server speaks."""
    server = AirflowServer(address, secret)
    return AirflowTwo(server) if server.dialect == 1 else Airflow(server)
