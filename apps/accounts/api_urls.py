"""API addresses of accounts, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from apps.accounts import api

router = SimpleRouter()
router.register("teams", api.TeamViewSet, basename="team")
router.register("users", api.UserViewSet, basename="user")
router.register("tokens", api.TokenViewSet, basename="token")

urlpatterns = [
    path("me/", api.MeView.as_view(), name="me"),
    path("ci-token/", api.TradeView.as_view(), name="ci-token"),
    path("", include(router.urls)),
]
