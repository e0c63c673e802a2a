"""Verbs of tracking. An experiment is a definition and audited; what runs report is evidence and is not."""

from apps.tracking.actions.experiments import (
    create_experiment,
    default_experiment,
    delete_experiment,
    ensure_experiment,
    rename_experiment,
    restore_experiment,
    restrict_experiment,
    tag_experiment,
    untag_experiment,
)
from apps.tracking.actions.files import (
    put_model_file,
    put_run_file,
    put_upload_file,
    remove_model_files,
    remove_run_files,
    remove_upload_files,
)
from apps.tracking.actions.logged_models import (
    create_logged_model,
    delete_logged_model,
    finalize_logged_model,
    log_model_params,
    tag_logged_model,
    untag_logged_model,
)
from apps.tracking.actions.reporting import (
    delete_tag,
    log_batch,
    log_inputs,
    log_metrics,
    log_outputs,
    log_params,
)
from apps.tracking.actions.runs import close_run, create_run, delete_run, open_run, restore_run, update_run

__all__ = [
    "close_run",
    "create_experiment",
    "create_logged_model",
    "create_run",
    "default_experiment",
    "delete_experiment",
    "delete_logged_model",
    "delete_run",
    "delete_tag",
    "ensure_experiment",
    "finalize_logged_model",
    "log_batch",
    "log_inputs",
    "log_metrics",
    "log_model_params",
    "log_outputs",
    "log_params",
    "open_run",
    "put_model_file",
    "put_run_file",
    "put_upload_file",
    "remove_model_files",
    "remove_run_files",
    "remove_upload_files",
    "rename_experiment",
    "restore_experiment",
    "restore_run",
    "restrict_experiment",
    "tag_experiment",
    "tag_logged_model",
    "untag_experiment",
    "untag_logged_model",
    "update_run",
]
