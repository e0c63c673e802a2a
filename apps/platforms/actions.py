"""Verbs of connections."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.keyring import seal
from apps.core.permissions import require
from apps.platforms.events import Event
from apps.platforms.models import Connection

if TYPE_CHECKING:
    from apps.accounts.models import User

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
LONGEST_ADDRESS = 500


@transaction.atomic
def set_connection(*, actor: User, name: str, kind: str, address: str, secret: str | None = None) -> Connection:
    """Makes or changes a connection; no secret keeps the one that is there. Raises Invalid."""
    require(actor, "platforms.administer")
    _check(name, kind, address)
    values = {"kind": kind, "address": address.rstrip("/"), "updated_at": timezone.now()}
    sealed = {} if secret is None else {"sealed_secret": seal(secret) if secret else ""}
    fresh = {**values, **sealed, "created_by": actor}
    made, _ = Connection.objects.update_or_create(name=name, defaults=values | sealed, create_defaults=fresh)
    after = {"kind": kind, "address": made.address} | ({"secret": "changed"} if sealed else {})
    record(actor=actor, action=Event.CONNECTION_SET, target=made, after=after)
    return made


@transaction.atomic
def remove_connection(*, actor: User, connection: Connection) -> None:
    """Raises Conflict while something of it is still needed."""
    require(actor, "platforms.administer")
    record(actor=actor, action=Event.CONNECTION_REMOVED, target=connection)
    try:
        connection.delete()
    except ProtectedError as error:
        raise Conflict(f"{connection} is where some versions came from; change its address instead.") from error


def _check(name: str, kind: str, address: str) -> None:
    if not NAME.fullmatch(name):
        raise Invalid("A connection's name has small letters, digits and hyphens, at most 64.", field="name")
    if kind not in Connection.Kind.values:
        raise Invalid(f"There is no kind {kind!r}: choose from {', '.join(Connection.Kind.values)}.", field="kind")
    parts = urlsplit(address)
    plain = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
    if not plain or parts.username or len(address) > LONGEST_ADDRESS:
        raise Invalid("An address looks like https://mlflow.example.org, without a user or a query.", field="address")
