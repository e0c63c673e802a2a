"""API addresses that need several parts of the portal, below /api/v1/."""

from django.urls import path

from apps.dashboard import api

urlpatterns = [
    path("metrics/", api.MetricsView.as_view(), name="metrics"),
    path("catalog/ecosystem/", api.EcosystemView.as_view(), name="catalog-ecosystem"),
    path("families/<slug:slug>/fleet/", api.FleetView.as_view(), name="family-fleet"),
    path("families/<slug:slug>/compare/", api.CompareView.as_view(), name="family-compare"),
    path("families/<slug:slug>/tools/", api.FamilyToolsView.as_view(), name="family-tools"),
    path("tools/<slug:slug>/families/", api.ToolFamiliesView.as_view(), name="tool-families"),
    path("families/<slug:slug>/segments/<slug:segment>/links/", api.SegmentLinksView.as_view(), name="segment-links"),
    path("requests/<int:request_id>/links/", api.RequestLinksView.as_view(), name="request-links"),
    path("segment-runs/<int:run_id>/links/", api.SegmentRunLinksView.as_view(), name="segment-run-links"),
    path("runs/<str:run_id>/lineage/", api.RunLineageView.as_view(), name="run-lineage"),
    path("versions/<int:version_id>/lineage/", api.VersionLineageView.as_view(), name="version-lineage"),
    path("runs/<str:run_id>/links/", api.TrackedLinksView.as_view(), name="run-links"),
    path("versions/<int:version_id>/links/", api.VersionLinksView.as_view(), name="version-links"),
]
