"""`manage.py restore FOLDER/<time>`: a backup into an empty database and this portal's file store."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backups.archive import Backup
from apps.backups.in_s3 import restore_from
from apps.backups.restoring import restore
from apps.core.errors import PortalError
from apps.core.release import release
from apps.platforms.own_place import own_place


class Command(BaseCommand):
    help = (
        "Restores a backup into the database of DATABASE_URL, which must be empty, and into the file store. Use the "
        "keys (SECRET_KEY, ENCRYPTION_KEYS) of the portal that was backed up; start web, workers and beat afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", help="the folder of one backup with its manifest.json, or s3://bucket/prefix/<time>"
        )

    def handle(self, *args: Any, folder: str, **options: Any) -> None:
        try:
            in_s3 = folder.startswith("s3://")
            held = restore_from(own_place(folder)) if in_s3 else restore(Backup.at(Path(folder)))
        except PortalError as error:
            raise CommandError(error.message) from error
        rows = sum(table.rows for table in held.tables.values())
        self.stdout.write(
            f"Restored {rows} rows of {len(held.tables)} tables, and {held.files - len(held.lost)} files."
        )
        if held.release != release():
            self.stdout.write(f"It was taken by release {held.release}; run `manage.py migrate` next.")
