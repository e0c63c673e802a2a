"""API addresses of lineage, below /api/v1/. OpenLineage's clients send to `lineage`, without a slash at its end."""

from django.urls import path

from apps.lineage.api import LineageView

urlpatterns = [path("lineage", LineageView.as_view(), name="lineage-events")]
