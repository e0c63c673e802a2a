"""MLflow's model registry ↔ the portal's."""

from apps.mlflow_protocol.registry import models, versions

ENDPOINTS = (*models.ENDPOINTS, *versions.ENDPOINTS)
