"""API addresses of connections and links out, below /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.platforms.api import ConnectionViewSet, LinkViewSet

router = SimpleRouter()
router.register("connections", ConnectionViewSet, basename="connection")
router.register("links", LinkViewSet, basename="link")

urlpatterns = router.urls
