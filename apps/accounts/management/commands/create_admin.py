"""`manage.py create_admin USER` founds a portal: its first platform admin, with a password asked for."""

from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.conf import settings
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
            password = _asked_twice(options["user"])
            actions.found_portal(username=options["user"], name=options["name"] or options["user"], password=password)
        except PortalError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{options['user']} is the first platform admin. Sign in at {settings.PORTAL_URL or '/'}")


def _asked_twice(user: str) -> str:
    """Nobody sees what they type, and who mistypes could not come in, nor found the portal once more."""
    password = getpass(f"Password for {user}: ")
    if getpass("Once more: ") != password:
        raise CommandError("The two passwords differ. Nothing was made; try again.")
    return password
