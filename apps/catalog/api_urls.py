"""API addresses of the catalog, below /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.catalog.api import decisions, tools

router = SimpleRouter()
router.register("capabilities", tools.CapabilityViewSet, basename="capability")
router.register("tools", tools.ToolViewSet, basename="tool")
router.register("ring-moves", tools.MoveViewSet, basename="ring-move")
router.register("decisions", decisions.DecisionViewSet, basename="decision")

urlpatterns = router.urls
