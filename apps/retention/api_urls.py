"""API addresses of retention, below /api/v1/."""

from django.urls import path

from apps.retention import api

RETENTION = "families/<slug:slug>/retention/"
urlpatterns = [
    path(RETENTION, api.RuleView.as_view(), name="family-retention"),
    path(f"{RETENTION}preview/", api.PreviewView.as_view(), name="family-retention-preview"),
    path(f"{RETENTION}preview/<slug:kind>/", api.ItemListView.as_view(), name="family-retention-items"),
    path(f"{RETENTION}cuts/", api.CutListView.as_view(), name="family-retention-cuts"),
]
