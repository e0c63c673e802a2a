"""`manage.py reseal_secrets`: every stored secret under the first of ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core.keyring import reseal
from apps.notifications.models import Webhook


class Command(BaseCommand):
    help = "Encrypts all stored secrets with the first of ENCRYPTION_KEYS; afterwards older keys can be taken away."

    def handle(self, *args: Any, **options: Any) -> None:
        sealed = Webhook.objects.exclude(sealed_secret="").values_list("pk", "sealed_secret")
        for pk, secret in sealed:
            # Only if it still is the one that was read: somebody may be entering a new one.
            Webhook.objects.filter(pk=pk, sealed_secret=secret).update(sealed_secret=reseal(secret))
        self.stdout.write(f"{len(sealed)} secrets are now encrypted with the first key.")
