"""The kinds of connection: what each is for, how it is tested, and whether work can be handed over there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.platforms import mlflow_probe
from apps.platforms.airflow import airflow
from apps.platforms.airflow import probe as airflow_probe
from apps.platforms.base import Platform
from apps.platforms.probing import Finding


@dataclass(frozen=True)
class Kind:
    """`probe` takes the address and the credential, and answers what it found; it never raises.

    `platform` takes the same two, where segment runs can be handed over.
    """

    label: str
    use: str
    probe: Callable[[str, str], Finding]
    platform: Callable[[str, str], Platform] | None = None


KINDS = {
    "mlflow": Kind(
        label="MLflow server",
        use="Versions whose files lie there can be registered here, and its registry can be brought over.",
        probe=mlflow_probe.probe,
    ),
    "airflow": Kind(
        label="Airflow",
        use="Its DAGs can be made pipelines: the portal triggers them, city by city, and follows each run.",
        probe=airflow_probe.probe,
        platform=airflow,
    ),
}
