"""`manage.py backup FOLDER`: the database and every stored file, while the portal goes on."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backups.archive import Backup, prune
from apps.backups.taking import take
from apps.core.errors import PortalError


class Command(BaseCommand):
    help = (
        "Takes a backup into FOLDER/<time>/ while the portal goes on. Files that an earlier backup in FOLDER has are "
        "not copied again; run it again after it was interrupted. The keys (SECRET_KEY, ENCRYPTION_KEYS) and the "
        "scripts of pipelines are not in it: keep those elsewhere."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where all backups lie, on another disk")
        parser.add_argument("--keep", type=int, default=0, help="afterwards only the newest N stay (0: all)")

    def handle(self, *args: Any, folder: Path, keep: int, **options: Any) -> None:
        if keep < 0:
            raise CommandError("--keep is a number of backups; 0 keeps all.")
        try:
            backup = take(folder)
        except PortalError as error:
            raise CommandError(error.message) from error
        gone = prune(folder, keep) if keep else 0
        self._tell(backup, gone)

    def _tell(self, backup: Backup, gone: int) -> None:
        held = backup.manifest()
        rows = sum(table.rows for table in held.tables.values())
        self.stdout.write(f"{backup.folder}: {rows} rows, {held.files} files of {held.file_bytes} bytes.")
        if gone:
            self.stdout.write(f"{gone} older backups removed.")
        if held.lost:
            raise CommandError(f"{len(held.lost)} stored files are gone or damaged: {', '.join(held.lost[:5])} …")
