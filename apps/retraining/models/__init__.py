"""Retraining's nouns: pipelines, requests, one segment run per city, workers."""

from apps.retraining.models.pipeline import Pipeline, PipelineQuerySet, TeamQuota, Visibility
from apps.retraining.models.request import OPEN_REQUESTS, RequestQuerySet, RetrainingRequest
from apps.retraining.models.segment_run import LOG_CHARACTERS, OPEN_RUNS, Attempt, SegmentRun, SegmentRunQuerySet
from apps.retraining.models.worker import Worker

__all__ = [
    "LOG_CHARACTERS",
    "OPEN_REQUESTS",
    "OPEN_RUNS",
    "Attempt",
    "Pipeline",
    "PipelineQuerySet",
    "RequestQuerySet",
    "RetrainingRequest",
    "SegmentRun",
    "SegmentRunQuerySet",
    "TeamQuota",
    "Visibility",
    "Worker",
]
