"""`manage.py move_files s3://bucket/prefix`: copies what another place of files lacks."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.artifacts.moving import copy_missing, missing_in
from apps.artifacts.store import Store, default_store, store_at
from apps.core.errors import PortalError


class Command(BaseCommand):
    help = (
        "Copies the files that the place TO lacks out of the place of the settings (ARTIFACT_STORE), each compared "
        "with its digest. Run it again after it broke off, and once more after ARTIFACT_STORE was set to TO."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("to", help="s3://bucket/prefix, or '' for the folder VAR_DIR/artifacts")
        parser.add_argument("--from", dest="source", help="where they lie, if not where ARTIFACT_STORE says")
        parser.add_argument("--dry-run", action="store_true", help="only counts")

    def handle(self, *args: Any, to: str, source: str | None, dry_run: bool, **options: Any) -> None:
        try:
            target, origin = store_at(to), default_store() if source is None else store_at(source)
            if target == origin:
                raise CommandError("The files lie there already; name another place, or where they were by --from.")
            self._count(target) if dry_run else self._copy(origin, target)
        except PortalError as error:
            raise CommandError(error.message) from error

    def _count(self, target: Store) -> None:
        missing = missing_in(target)
        size = sum(size for _, size in missing)
        self.stdout.write(f"{target.words} lacks {len(missing)} files of {size} bytes. Nothing was copied.")

    def _copy(self, origin: Store, target: Store) -> None:
        done, lost = 0, []
        for step in copy_missing(origin, target):
            done += not step.fault
            lost += [step.sha256] if step.fault else []
            said = step.fault or f"{step.size} bytes"
            self.stdout.write(f"[{step.number}/{step.total}] {step.sha256[:12]}: {said}")
        self.stdout.write(f"{done} files copied to {target.words}.")
        if lost:
            raise CommandError(f"{len(lost)} stored files are gone or damaged: {', '.join(lost[:5])} …")
