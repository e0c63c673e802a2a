"""`manage.py export_mlflow CONNECTION --actor ADMIN`: the way out, into an MLflow server."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.queries import user
from apps.core.errors import PortalError
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.queries import connection
from apps.transfers.exporting import export_registry, preview


class Command(BaseCommand):
    help = (
        "Writes models, versions, runs, files, tags, stages and aliases into a connected MLflow server 3.0 or newer. "
        "Run it again after it was interrupted, or to bring what is new: what is there already stays. Families, "
        "evaluations, gates, approvals and the history of aliases have no place there; the API answers them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("connection", help="its name on the page Connections")
        parser.add_argument("--actor", required=True, help="user name of a platform admin; what they see is exported")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be written")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = connection(name=options["connection"])
            write = preview if options["dry_run"] else export_registry
            for line in write(actor=user(username=options["actor"]), connection=found):
                self.stdout.write(line)
                self.stdout.flush()
        except PortalError as error:
            raise CommandError(error.message) from error
        except (Refused, Unreachable) as error:
            raise CommandError(f"Interrupted; run it again to go on. {error}") from error
