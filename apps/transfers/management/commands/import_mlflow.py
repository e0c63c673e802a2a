"""`manage.py import_mlflow CONNECTION --actor NAME`: brings an existing MLflow registry over."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.queries import user
from apps.core.errors import PortalError
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.queries import connection
from apps.transfers.importing import import_registry, preview


class Command(BaseCommand):
    help = (
        "Brings models, versions (numbers, times, tags), the runs behind them, files and aliases over from a connected "
        "MLflow server. Run it again after it was interrupted, or to fetch what is new: it goes on where it was. A "
        "protected alias is brought over once, for an approver of its family, and noted as imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("connection", help="as named by connect_mlflow")
        parser.add_argument("--actor", required=True, help="user name of who registers: a member of the owner team")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be brought over")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = connection(name=options["connection"])
            actor = user(username=options["actor"])
            bring = preview if options["dry_run"] else import_registry
            for line in bring(actor=actor, connection=found):
                self.stdout.write(line)
                self.stdout.flush()
        except PortalError as error:
            raise CommandError(error.message) from error
        except (Refused, Unreachable) as error:
            raise CommandError(f"Interrupted; run it again to go on. {error}") from error
