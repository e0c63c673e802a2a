"""API addresses of the catalog, below /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.catalog import api

router = SimpleRouter()
router.register("capabilities", api.CapabilityViewSet, basename="capability")
router.register("tools", api.ToolViewSet, basename="tool")
router.register("decisions", api.DecisionViewSet, basename="decision")

urlpatterns = router.urls
