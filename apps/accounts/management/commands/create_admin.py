"""`manage.py create_admin USER` founds a portal: its first platform admin, with a password asked for."""

from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts import actions
from apps.core.errors import PortalError


class Command(BaseCommand):
    help = "Make the first platform admin of an empty portal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            password = getpass(f"Password for {options['user']}: ")
            actions.found_portal(username=options["user"], name=options["name"] or options["user"], password=password)
        except PortalError as error:
            raise CommandError(error.message) from error
