"""API addresses of notifications, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from apps.notifications import api

router = SimpleRouter()
router.register("webhooks", api.WebhookViewSet, basename="webhook")
router.register("deliveries", api.DeliveryViewSet, basename="delivery")

urlpatterns = [path("", include(router.urls))]
