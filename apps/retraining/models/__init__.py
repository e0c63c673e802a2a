"""Retraining's nouns: pipelines, requests, one segment run per city, workers."""

from apps.retraining.models.pipeline import Pipeline, PipelineQuerySet, PipelineVersion, TeamQuota, Visibility
from apps.retraining.models.policy import Firing, Policy
from apps.retraining.models.request import OPEN_REQUESTS, RequestQuerySet, RetrainingRequest
from apps.retraining.models.segment_run import (
    LOG_CHARACTERS,
    OPEN_RUNS,
    Attempt,
    LibrarySet,
    SegmentRun,
    SegmentRunQuerySet,
)
from apps.retraining.models.signal import BLOCKING, Incident, Signal
from apps.retraining.models.tally import Tally
from apps.retraining.models.worker import Worker

__all__ = [
    "BLOCKING",
    "LOG_CHARACTERS",
    "OPEN_REQUESTS",
    "OPEN_RUNS",
    "Attempt",
    "Firing",
    "Incident",
    "LibrarySet",
    "Pipeline",
    "PipelineQuerySet",
    "PipelineVersion",
    "Policy",
    "RequestQuerySet",
    "RetrainingRequest",
    "SegmentRun",
    "SegmentRunQuerySet",
    "Signal",
    "Tally",
    "TeamQuota",
    "Visibility",
    "Worker",
]
