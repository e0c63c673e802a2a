"""API of retraining: pipelines, requests, segment runs, workers; signals, incidents, policies and their firings."""

from apps.retraining.api.pipelines import PipelineFileSchemaView, PipelineOfWorkflowView, PipelineViewSet
from apps.retraining.api.policies import FiringViewSet, IncidentViewSet, PolicyViewSet, SignalViewSet
from apps.retraining.api.requests import (
    QueueView,
    QuotaViewSet,
    RequestViewSet,
    RunTokenView,
    SegmentRunViewSet,
    WorkerViewSet,
)

__all__ = [
    "FiringViewSet",
    "IncidentViewSet",
    "PipelineFileSchemaView",
    "PipelineOfWorkflowView",
    "PipelineViewSet",
    "PolicyViewSet",
    "QueueView",
    "QuotaViewSet",
    "RequestViewSet",
    "RunTokenView",
    "SegmentRunViewSet",
    "SignalViewSet",
    "WorkerViewSet",
]
