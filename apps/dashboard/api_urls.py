"""API addresses that need several parts of the portal, below /api/v1/."""

from django.urls import path

from apps.dashboard.api import CompareView, EcosystemView, FamilyToolsView, FleetView, MetricsView, ToolFamiliesView

urlpatterns = [
    path("metrics/", MetricsView.as_view(), name="metrics"),
    path("catalog/ecosystem/", EcosystemView.as_view(), name="catalog-ecosystem"),
    path("families/<slug:slug>/fleet/", FleetView.as_view(), name="family-fleet"),
    path("families/<slug:slug>/compare/", CompareView.as_view(), name="family-compare"),
    path("families/<slug:slug>/tools/", FamilyToolsView.as_view(), name="family-tools"),
    path("tools/<slug:slug>/families/", ToolFamiliesView.as_view(), name="tool-families"),
]
