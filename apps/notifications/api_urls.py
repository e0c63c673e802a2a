"""API addresses of notifications, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from apps.notifications.api.notices import ChannelViewSet, NoticesView
from apps.notifications.api.webhooks import DeliveryViewSet, WebhookViewSet

router = SimpleRouter()
router.register("webhooks", WebhookViewSet, basename="webhook")
router.register("deliveries", DeliveryViewSet, basename="delivery")
router.register("channels", ChannelViewSet, basename="channel")

urlpatterns = [path("notices/", NoticesView.as_view(), name="notices"), path("", include(router.urls))]
