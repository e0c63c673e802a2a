"""`manage.py export_mlflow CONNECTION --actor ADMIN`: the way out, into an MLflow server."""

from apps.transfers.exporting import export_registry, preview
from apps.transfers.management.going_over import GoingOver


class Command(GoingOver):
    help = (
        "Writes models, versions, runs, files, tags, stages and aliases into a connected MLflow server 3.0 or newer. "
        "Run it again after it was interrupted, or to bring what is new: what is there already stays. Families, "
        "evaluations, gates, approvals and the history of aliases have no place there; the API answers them."
    )
    go, preview = staticmethod(export_registry), staticmethod(preview)
    actor_help = "user name of a platform admin; what they see is exported"
