"""Reads of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.core.errors import Missing
from apps.core.keyring import unseal
from apps.core.permissions import allowed
from apps.platforms.mlflow import MlflowServer
from apps.platforms.mlflow_writing import MlflowWriter
from apps.platforms.models import Connection

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.models import User
    from apps.platforms.models import ConnectionQuerySet


def connections(kind: str) -> QuerySet[Connection]:
    """By name."""
    return Connection.objects.filter(kind=kind)


def connection(*, name: str) -> Connection:
    """For commands, which an admin of the machine runs. Raises Missing."""
    found = Connection.objects.filter(name=name).first()
    if found is None:
        raise Missing(f"There is no connection {name!r}; a platform admin makes one.")
    return found


def connections_of(actor: User) -> ConnectionQuerySet:
    """Those that this person may look after, by name."""
    return Connection.objects.visible_to(actor).select_related("created_by")


def connection_of(*, actor: User, name: str) -> Connection:
    """Raises Missing for one that is not there or not for this person."""
    found = connections_of(actor).filter(name=name).first() if "\0" not in name else None
    if found is None:
        raise Missing("There is no such connection here, or you may not see it.")
    return found


def may_administer(actor: User) -> bool:
    return allowed(actor, "platforms.administer")


def mlflow_server(connection: Connection) -> MlflowServer:
    """The server behind it, to be read. Raises Unavailable when its secret can not be opened."""
    return MlflowServer(connection.address, _secret(connection))


def mlflow_writer(connection: Connection) -> MlflowWriter:
    """The server behind it, to be written. Raises Unavailable when its secret can not be opened."""
    return MlflowWriter(connection.address, _secret(connection))


def _secret(connection: Connection) -> str:
    return unseal(connection.sealed_secret) if connection.sealed_secret else ""
