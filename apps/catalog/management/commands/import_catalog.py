"""`manage.py import_catalog FILE [--dry-run]` takes a file of another product into the catalog."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import queries as accounts
from apps.catalog.actions import Difference, import_file
from apps.core.errors import PortalError


class Command(BaseCommand):
    help = "Import BYOR CSV or JSON, landscape.yml, catalog-info.yaml, MADR, pip freeze, or a CSV of tools."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="only say what would change")
        parser.add_argument("--as", dest="username", default="admin", help="the catalog editor who imports (admin)")
        parser.add_argument("--team", default="", help="whose environment a pip freeze is")
        parser.add_argument("--name", default="", help="the service whose environment it is")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._say(self._import(**options))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} can not be read: {error}") from error
        except PortalError as error:
            raise CommandError(error.message) from error

    def _import(self, *, file: Path, dry_run: bool, username: str, team: str, name: str, **_: Any) -> Difference:
        return import_file(
            actor=accounts.user(username=username),
            content=file.read_text(encoding="utf-8"),
            source=file.name,
            dry_run=dry_run,
            team=accounts.team(slug=team) if team else None,
            name=name,
        )

    def _say(self, found: Difference) -> None:
        for sign, entries in (
            ("+", found.added),
            ("~", found.changed),
            ("=", found.kept),
            ("?", found.proposed),
            ("-", found.gone),
        ):
            for entry in entries:
                self.stdout.write(f"{sign} {entry}")
        for problem in found.problems:
            self.stderr.write(f"line {problem.line}: {problem.sentence}")
        verb = "Imported" if found.written else "Dry run of"
        self.stdout.write(
            f"{verb} {found.items} items of {found.format}: {len(found.added)} new, {len(found.changed)} changed, "
            f"{len(found.kept)} kept as people wrote them, "
            f"{len(found.proposed)} rings proposed, {found.same} the same, {len(found.gone)} gone from the source, "
            f"{len(found.problems)} problems."
        )
