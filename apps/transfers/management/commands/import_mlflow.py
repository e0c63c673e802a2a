"""`manage.py import_mlflow CONNECTION --actor NAME`: brings an existing MLflow registry over."""

from apps.transfers.importing import import_registry, preview
from apps.transfers.management.going_over import GoingOver


class Command(GoingOver):
    help = (
        "Brings models, versions (numbers, times, tags), the runs behind them, files and aliases over from a connected "
        "MLflow server. Run it again after it was interrupted, or to fetch what is new: it goes on where it was. A "
        "protected alias is brought over once, for an approver of its family, and noted as imported."
    )
    go, preview = staticmethod(import_registry), staticmethod(preview)
    actor_help = "user name of who registers: a member of the owner team"
