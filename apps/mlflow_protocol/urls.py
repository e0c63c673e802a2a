"""Addresses of MLflow's protocol; `table.py` lists the endpoints."""

from django.urls import path

from apps.mlflow_protocol import web
from apps.mlflow_protocol.artifacts import multipart

app_name = "mlflow"
urlpatterns = [
    path("version", web.version, name="version"),
    path("health", web.health, name="health"),
    path("artifact-parts/<str:ticket>", multipart.part, name="part"),
    *(
        path(f"{prefix}/{version}/<path:path>", web.protocol)
        for prefix in ("api", "ajax-api")
        for version in ("2.0", "3.0")
    ),
]
