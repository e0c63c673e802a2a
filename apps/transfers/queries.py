"""Reads of transfers."""

from __future__ import annotations

from apps.platforms.queries import connections


def may_lie_elsewhere() -> bool:
    """True where an MLflow server is connected, so that what is unknown here may lie there."""
    return connections("mlflow").exists()
