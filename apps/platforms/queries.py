"""Reads of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.core.errors import Missing
from apps.core.keyring import unseal
from apps.platforms.mlflow import MlflowServer
from apps.platforms.models import Connection

if TYPE_CHECKING:
    from django.db.models import QuerySet


def connections(kind: str) -> QuerySet[Connection]:
    """By name."""
    return Connection.objects.filter(kind=kind)


def connection(*, name: str) -> Connection:
    """Raises Missing."""
    found = Connection.objects.filter(name=name).first()
    if found is None:
        raise Missing(f"There is no connection {name!r}; a platform admin makes one.")
    return found


def mlflow_server(connection: Connection) -> MlflowServer:
    """The server behind it. Raises Unavailable when its secret can not be opened."""
    secret = unseal(connection.sealed_secret) if connection.sealed_secret else ""
    return MlflowServer(connection.address, secret)
