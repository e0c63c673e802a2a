"""`manage.py reseal_secrets`: every stored secret under the first of ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.sealed import reseal_all


class Command(BaseCommand):
    help = "Encrypts all stored secrets with the first of ENCRYPTION_KEYS; afterwards older keys can be taken away."

    def handle(self, *args: Any, **options: Any) -> None:
        resealed = reseal_all()
        self.stdout.write(f"{resealed.done} secrets are now encrypted with the first key.")
        if resealed.lost:
            raise CommandError("\n".join([*resealed.lost, "Enter these again, or put their key back on the ring."]))
