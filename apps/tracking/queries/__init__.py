"""Reads of experiments, runs and logged models."""

from apps.tracking.queries.curves import Curve, curves
from apps.tracking.queries.evidence import (
    experiment,
    experiment_named,
    experiments,
    latest_points,
    logged_model,
    logged_models,
    metric_history,
    points,
    reported,
    reported_by_run,
    run,
    runs,
    runs_seen_by,
    sampled_curves,
    sampled_points,
    upload,
    visible_run_ids,
    whole_run,
)
from apps.tracking.queries.origins import Origin, Used, origins
from apps.tracking.queries.searches import search_experiments, search_logged_models, search_runs

__all__ = [
    "Curve",
    "Origin",
    "Used",
    "curves",
    "experiment",
    "experiment_named",
    "experiments",
    "latest_points",
    "logged_model",
    "logged_models",
    "metric_history",
    "origins",
    "points",
    "reported",
    "reported_by_run",
    "run",
    "runs",
    "runs_seen_by",
    "sampled_curves",
    "sampled_points",
    "search_experiments",
    "search_logged_models",
    "search_runs",
    "upload",
    "visible_run_ids",
    "whole_run",
]
