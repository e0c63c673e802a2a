"""`manage.py connect_mlflow NAME ADDRESS --actor ADMIN`: lets the portal talk to an MLflow server."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.queries import user
from apps.core.errors import PortalError
from apps.platforms import actions
from apps.platforms.models import Connection


class Command(BaseCommand):
    help = "Makes or changes a connection to an MLflow server. Its token, or user:password, is read from MLFLOW_SECRET."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("address", help="such as https://mlflow.example.org")
        parser.add_argument("--actor", required=True, help="user name of a platform admin")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            actor = user(username=options["actor"])
            made = actions.set_connection(
                actor=actor,
                name=options["name"],
                kind="mlflow",
                address=options["address"],
                secret=os.environ.get("MLFLOW_SECRET"),
            )
            tested = actions.test_connection(actor=actor, connection=made)
        except PortalError as error:
            raise CommandError(error.message) from error
        if tested.health != Connection.Health.WELL:
            raise CommandError(f"The connection is kept, but ({tested.trouble}): {tested.said}")
        self.stdout.write(f"Connected. {tested.said}")
