"""Experiments, runs, metrics and logged models in MLflow's words."""
