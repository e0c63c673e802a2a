"""What `import_mlflow` and `export_mlflow` have in common: a connection, an actor, a dry run, a line for each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.queries import user
from apps.core.errors import PortalError
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.queries import connection

Steps = Callable[..., Iterator[str]]


class GoingOver(BaseCommand):
    """Says what is done while it is done; what breaks off is a sentence, and goes on when it is run again."""

    go: ClassVar[Steps]
    preview: ClassVar[Steps]
    actor_help: ClassVar[str]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("connection", help="its name on the page Connections")
        parser.add_argument("--actor", required=True, help=self.actor_help)
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        kind = type(self)
        steps = kind.preview if options["dry_run"] else kind.go
        try:
            found = connection(name=options["connection"])
            for line in steps(actor=user(username=options["actor"]), connection=found):
                self.stdout.write(line)
                self.stdout.flush()
        except PortalError as error:
            raise CommandError(error.message) from error
        except (Refused, Unreachable) as error:
            raise CommandError(f"Interrupted; run it again to go on. {error}") from error
