"""API addresses of connections, below /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.platforms.api import ConnectionViewSet

router = SimpleRouter()
router.register("connections", ConnectionViewSet, basename="connection")

urlpatterns = router.urls
