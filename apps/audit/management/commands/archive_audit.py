"""`manage.py archive_audit FOLDER`: the audit as JSON lines with digests; nothing is taken out of the database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit.archive import archive, verified
from apps.core.errors import PortalError


class Command(BaseCommand):
    help = (
        "Writes every event of the audit that is not yet in FOLDER as JSON lines, with digests that name each other, "
        "after it has verified what lies there. The database keeps all events. Run it again at any time: it goes on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where the archive lies, on another disk")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            for part in archive(folder):
                self.stdout.write(f"{part.path.name}: {part.events} events, sha256 {part.sha256}")
            parts = verified(folder)
        except (PortalError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{folder}: {sum(part.events for part in parts)} events in {len(parts)} files, verified.")
