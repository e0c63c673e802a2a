"""`manage.py connect_mlflow NAME ADDRESS --actor ADMIN`: lets the portal talk to an MLflow server."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.queries import user
from apps.core.errors import PortalError
from apps.platforms import actions
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.queries import mlflow_server


class Command(BaseCommand):
    help = "Makes or changes a connection to an MLflow server. Its token, or user:password, is read from MLFLOW_SECRET."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("address", help="such as https://mlflow.example.org")
        parser.add_argument("--actor", required=True, help="user name of a platform admin")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = actions.set_connection(
                actor=user(username=options["actor"]),
                name=options["name"],
                kind="mlflow",
                address=options["address"],
                secret=os.environ.get("MLFLOW_SECRET"),
            )
            known = len(mlflow_server(made).names())
        except PortalError as error:
            raise CommandError(error.message) from error
        except (Refused, Unreachable) as error:
            raise CommandError(f"The connection is kept, but: {error}") from error
        self.stdout.write(f"{made} answers, and has {known} registered models.")
