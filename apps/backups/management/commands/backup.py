"""`manage.py backup FOLDER` or `s3://bucket/prefix`: the database and every stored file, while the portal goes on."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backups.archive import Manifest, prune
from apps.backups.in_s3 import take_into
from apps.backups.taking import take
from apps.core.errors import PortalError
from apps.platforms.own_place import own_place


class Command(BaseCommand):
    help = (
        "Takes a backup into FOLDER/<time>/ while the portal goes on. Files that an earlier backup in FOLDER has are "
        "not copied again; run it again after it was interrupted. The keys (SECRET_KEY, ENCRYPTION_KEYS) and the "
        "scripts of pipelines are not in it: keep those elsewhere."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", help="where all backups lie, on another disk, or s3://bucket/prefix")
        parser.add_argument("--keep", type=int, default=0, help="afterwards only the newest N stay (0: all)")

    def handle(self, *args: Any, folder: str, keep: int, **options: Any) -> None:
        if keep < 0:
            raise CommandError("--keep is a number of backups; 0 keeps all.")
        try:
            self._into_s3(folder, keep) if folder.startswith("s3://") else self._into_folder(Path(folder), keep)
        except PortalError as error:
            raise CommandError(error.message) from error

    def _into_folder(self, folder: Path, keep: int) -> None:
        backup = take(folder)
        gone = prune(folder, keep) if keep else 0
        self._tell(str(backup.folder), backup.manifest(), gone)

    def _into_s3(self, address: str, keep: int) -> None:
        place = own_place(address)
        taken = take_into(place, keep=keep)
        self._tell(str(place.below(taken.name)), taken.manifest, taken.removed)

    def _tell(self, where: str, held: Manifest, gone: int) -> None:
        rows = sum(table.rows for table in held.tables.values())
        self.stdout.write(f"{where}: {rows} rows, {held.files} files of {held.file_bytes} bytes.")
        if gone:
            self.stdout.write(f"{gone} older backups removed.")
        if held.lost:
            raise CommandError(f"{len(held.lost)} stored files are gone or damaged: {', '.join(held.lost[:5])} …")
