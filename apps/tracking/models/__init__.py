"""What a run says about itself, in MLflow's words: parameters, metrics with history, tags, inputs, models, files."""

from apps.tracking.models.dataset import Dataset, RunInput
from apps.tracking.models.experiment import Experiment, ExperimentQuerySet, ExperimentTag, Visibility
from apps.tracking.models.limits import LONGEST_KEY, LONGEST_TAG, LONGEST_VALUE
from apps.tracking.models.logged_model import (
    LoggedModel,
    LoggedModelMetric,
    LoggedModelParam,
    LoggedModelQuerySet,
    LoggedModelTag,
    RunModel,
)
from apps.tracking.models.reported import Metric, Param, Tag
from apps.tracking.models.run import Run, RunQuerySet, new_run_id
from apps.tracking.models.upload import Upload, UploadQuerySet

__all__ = [
    "LONGEST_KEY",
    "LONGEST_TAG",
    "LONGEST_VALUE",
    "Dataset",
    "Experiment",
    "ExperimentQuerySet",
    "ExperimentTag",
    "LoggedModel",
    "LoggedModelMetric",
    "LoggedModelParam",
    "LoggedModelQuerySet",
    "LoggedModelTag",
    "Metric",
    "Param",
    "Run",
    "RunInput",
    "RunModel",
    "RunQuerySet",
    "Tag",
    "Upload",
    "UploadQuerySet",
    "Visibility",
    "new_run_id",
]
