"""API addresses of tracking, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from apps.tracking import api

router = SimpleRouter()
router.register("experiments", api.ExperimentViewSet, basename="experiment")
router.register("runs", api.RunViewSet, basename="run")

urlpatterns = [
    path("runs/<str:run_id>/metrics/", api.MetricListView.as_view(), name="run-metrics"),
    path("runs/<str:run_id>/files/", api.FileListView.as_view(), name="run-files"),
    path("runs/<str:run_id>/files/<path:path>", api.FileView.as_view(), name="run-file"),
    path("", include(router.urls)),
]
