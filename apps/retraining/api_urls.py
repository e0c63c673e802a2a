"""API addresses of retraining, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from apps.retraining import api

router = SimpleRouter()
router.register("pipelines", api.PipelineViewSet, basename="pipeline")
router.register("requests", api.RequestViewSet, basename="request")
router.register("segment-runs", api.SegmentRunViewSet, basename="segment-run")
router.register("team-quotas", api.QuotaViewSet, basename="team-quota")
router.register("signals", api.SignalViewSet, basename="signal")
router.register("incidents", api.IncidentViewSet, basename="incident")
router.register("policies", api.PolicyViewSet, basename="policy")
router.register("firings", api.FiringViewSet, basename="firing")
router.register("workers", api.WorkerViewSet, basename="worker")

urlpatterns = [
    path("queues/", api.QueueView.as_view(), name="queues"),
    path("run-tokens/", api.RunTokenView.as_view(), name="run-tokens"),
    path("pipeline-of-workflow/", api.PipelineOfWorkflowView.as_view(), name="pipeline-of-workflow"),
    path("pipelines-file-schema/", api.PipelineFileSchemaView.as_view(), name="pipelines-file-schema"),
    path("", include(router.urls)),
]
