"""API addresses of the catalog, below /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.catalog.api import decisions, needs, radar, tools

router = SimpleRouter()
router.register("capabilities", tools.CapabilityViewSet, basename="capability")
router.register("tools", tools.ToolViewSet, basename="tool")
router.register("ring-moves", tools.MoveViewSet, basename="ring-move")
router.register("decisions", decisions.DecisionViewSet, basename="decision")
router.register("feature-gaps", needs.GapViewSet, basename="feature-gap")
router.register("tool-requests", needs.ToolRequestViewSet, basename="tool-request")
router.register("tool-uses", needs.UsageViewSet, basename="tool-use")
router.register("radar-editions", radar.EditionViewSet, basename="radar-edition")

urlpatterns = [
    *router.urls,
    path("catalog/overview/", radar.OverviewView.as_view(), name="catalog-overview"),
    path("catalog/import/", radar.ImportView.as_view(), name="catalog-import"),
    path("catalog/files/<str:name>", radar.FileView.as_view(), name="catalog-file"),
]
