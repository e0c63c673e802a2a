"""`manage.py break_glass USER REASON` prints a link that signs a platform admin in once, when nothing else works."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from apps.accounts import glass, queries
from apps.core.errors import PortalError


class Command(BaseCommand):
    help = "Print a link that signs a platform admin in, once and within ten minutes; the audit tells of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        parser.add_argument("reason", help="why nothing else works; it stands in the audit")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            link = glass.link(queries.user(username=options["user"]), options["reason"])
        except PortalError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{settings.PORTAL_URL}{reverse('accounts:break-glass', args=[link])}")
