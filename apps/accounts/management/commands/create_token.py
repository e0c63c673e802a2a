"""`manage.py create_token USER [--scope …]` prints a token and nothing else."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.accounts import actions, queries
from apps.core.errors import PortalError
from apps.core.permissions import scopes


class Command(BaseCommand):
    help = "Make an API token for a user and print its secret, nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--scope", action="append", choices=scopes(), help="may be repeated; default: every scope")
        parser.add_argument("--name", help="default: command line and the time")
        parser.add_argument("--days", type=int, default=30)

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"] or f"command line {timezone.now():%Y-%m-%d %H:%M:%S.%f}"
        try:
            user = queries.user(username=options["user"])
            made = actions.create_token(
                actor=user, name=name, scopes=options["scope"] or scopes(), days=options["days"]
            )
        except PortalError as error:
            raise CommandError(error.message) from error
        self.stdout.write(made.secret)
