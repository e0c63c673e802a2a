"""Verbs of connections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone

from apps.audit.actions import record
from apps.core.errors import Conflict, Exists, Invalid
from apps.core.keyring import seal, unseal
from apps.core.permissions import require
from apps.platforms.events import Event
from apps.platforms.kinds import KINDS, kind_of
from apps.platforms.models import Connection, OutsideLink
from apps.platforms.templating import check_template

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
NOT_A_NAME = "new"  # the address of the form for a new one
LONGEST_ADDRESS = 500
LONGEST_SECRET = 4_000
LONGEST_NAME = 60


def set_connection(*, actor: User, name: str, kind: str, address: str, secret: str | None = None) -> Connection:
    """Makes the connection of that name, or changes it. Raises as `add_connection` and `change_connection` do."""
    known = Connection.objects.filter(name=name, kind=kind).first()
    if known is None:
        return add_connection(actor=actor, name=name, kind=kind, address=address, secret=secret or "")
    return change_connection(actor=actor, connection=known, address=address, secret=secret)


@transaction.atomic
def add_connection(*, actor: User, name: str, kind: str, address: str, secret: str = "") -> Connection:
    """`secret` is a token or `user:password`, stored encrypted. Raises Invalid, Exists for a name that is taken."""
    require(actor, "platforms.administer")
    if kind not in KINDS:
        raise Invalid(f"There is no kind {kind!r}: choose from {', '.join(KINDS)}.", field="kind")
    plain = _check(kind, name, address, secret)
    fresh = {"kind": kind, "address": plain, "created_by": actor, "sealed_secret": seal(secret) if secret else ""}
    made, new = Connection.objects.get_or_create(name=name, defaults=fresh)
    if not new:
        raise Exists(f"There is a connection {name!r} already: choose another name, or change that one.")
    record(actor=actor, action=Event.CONNECTION_SET, target=made, after=_words(made, secret))
    return made


@transaction.atomic
def change_connection(
    *,
    actor: User,
    connection: Connection,
    name: str | None = None,
    address: str | None = None,
    secret: str | None = None,
) -> Connection:
    """What is None stays; an empty secret takes the credential away. What the last test found is forgotten.

    A credential goes to no other address than the one it was entered for: raises Invalid unless it comes again.
    """
    require(actor, "platforms.administer")
    locked = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    before, was = _words(locked, None), locked.address
    locked.name = locked.name if name is None else name
    locked.address = _check(locked.kind, locked.name, was if address is None else address, secret or "")
    if locked.address != was and secret is None and locked.sealed_secret:
        raise Invalid("Enter the credential again: it is not sent to an address it was not meant for.", field="secret")
    if Connection.objects.filter(name=locked.name).exclude(pk=locked.pk).exists():
        raise Exists(f"There is a connection {locked.name!r} already: choose another name.")
    if secret is not None:
        locked.sealed_secret = seal(secret) if secret else ""
    _forget_test(locked)
    locked.updated_at = timezone.now()
    locked.save()
    record(actor=actor, action=Event.CONNECTION_SET, target=locked, before=before, after=_words(locked, secret))
    return locked


@transaction.atomic
def remove_connection(*, actor: User, connection: Connection) -> None:
    """Raises Conflict while something of it is still needed."""
    require(actor, "platforms.administer")
    record(actor=actor, action=Event.CONNECTION_REMOVED, target=connection, before=_words(connection, None))
    try:
        connection.delete()
    except ProtectedError as error:
        said = f"{connection} is where some versions came from, pipelines run, or a link out is for"
        raise Conflict(f"{said}; change its address instead.") from error


def test_connection(*, actor: User, connection: Connection) -> Connection:
    """Asks the platform, and keeps what it found. Waits for it, so it is called in no transaction."""
    require(actor, "platforms.administer")
    return look_after(connection=connection)


def look_after(*, connection: Connection) -> Connection:
    """The same test, as it is made every minute in the background."""
    secret = unseal(connection.sealed_secret) if connection.sealed_secret else ""
    found = connection.about.probe(connection.address, secret)
    connection.health = Connection.Health.TROUBLE if found.trouble else Connection.Health.WELL
    connection.trouble, connection.said = found.trouble or "", found.said
    connection.version, connection.tested_at = found.version[:64], timezone.now()
    kept = {name: getattr(connection, name) for name in ("health", "trouble", "said", "version", "tested_at")}
    # Only if it still is what was tested: somebody may have changed it meanwhile.
    same = {"address": connection.address, "sealed_secret": connection.sealed_secret}
    Connection.objects.filter(pk=connection.pk, **same).update(**kept)
    return connection


@transaction.atomic
def add_link(*, actor: User, name: str, template: str, pages: Sequence[str] = (), connection: str = "") -> OutsideLink:
    """A link out on these pages, or wherever it can be filled. Raises Invalid, Exists, Missing for the connection."""
    require(actor, "platforms.administer")
    made = OutsideLink(created_by=actor)
    _write_link(made, name=name, template=template, pages=pages, connection=connection)
    record(actor=actor, action=Event.LINK_SET, target=made, after=_link_words(made))
    return made


@transaction.atomic
def change_link(*, actor: User, link: OutsideLink, **changes: Any) -> OutsideLink:
    """What is left out of `add_link`'s arguments stays. Raises as that does."""
    require(actor, "platforms.administer")
    locked = OutsideLink.objects.select_for_update(no_key=True, of=["self"]).get(pk=link.pk)
    before = _link_words(locked)
    connection = locked.connection.name if locked.connection else ""
    kept = {"name": locked.name, "template": locked.template, "pages": locked.pages, "connection": connection}
    _write_link(locked, **kept | changes)
    record(actor=actor, action=Event.LINK_SET, target=locked, before=before, after=_link_words(locked))
    return locked


@transaction.atomic
def remove_link(*, actor: User, link: OutsideLink) -> None:
    require(actor, "platforms.administer")
    record(actor=actor, action=Event.LINK_REMOVED, target=link, before=_link_words(link))
    link.delete()


def _write_link(link: OutsideLink, *, name: str, template: str, pages: Sequence[str], connection: str) -> None:
    link.name, link.template = _check_link_name(link, name), check_template(template)
    unknown = [page for page in pages if page not in OutsideLink.Page.values]
    if unknown:
        raise Invalid(f"There is no page {unknown[0]!r}: choose from {', '.join(OutsideLink.Page)}.", field="pages")
    link.pages = [page for page in OutsideLink.Page.values if page in pages]
    link.connection = Connection.objects.filter(name=connection).first() if connection else None
    if connection and link.connection is None:
        raise Invalid(f"There is no connection {connection[:64]!r}.", field="connection")
    link.updated_at = timezone.now()
    link.save()


def _check_link_name(link: OutsideLink, name: str) -> str:
    plain = name.strip()
    if not plain or not plain.isprintable() or len(plain) > LONGEST_NAME:
        raise Invalid(f"A link is called something, in at most {LONGEST_NAME} characters.", field="name")
    if OutsideLink.objects.filter(name=plain).exclude(pk=link.pk).exists():
        raise Exists(f"There is a link {plain!r} already: choose another name, or change that one.")
    return plain


def _link_words(link: OutsideLink) -> dict[str, Any]:
    connection = link.connection.name if link.connection else ""
    return {"name": link.name, "template": link.template, "pages": link.pages, "connection": connection}


def note_heard(*, connection_id: int, until: datetime) -> None:
    """What happened on the platform is known until then; never less than before."""
    earlier = Q(heard_until=None) | Q(heard_until__lt=until)
    Connection.objects.filter(earlier, pk=connection_id).update(heard_until=until)


def _check(kind: str, name: str, address: str, secret: str) -> str:
    """The address as it is kept."""
    if not NAME.fullmatch(name) or name == NOT_A_NAME:
        raise Invalid("A connection's name has small letters, digits and hyphens, at most 64.", field="name")
    if len(secret) > LONGEST_SECRET or not secret.isprintable():
        raise Invalid(f"A credential is one line of at most {LONGEST_SECRET} characters.", field="secret")
    try:
        parts = urlsplit(address)
        plain = parts.scheme in ("http", "https") and parts.hostname and not parts.fragment
        plain = plain and (not parts.query or kind == "s3")
        plain = plain and parts.port != 0 and address.isascii() and address.isprintable() and " " not in address
    except ValueError:
        plain = False
    if not plain or parts.username is not None or len(address) > LONGEST_ADDRESS:
        raise Invalid("An address looks like https://mlflow.example.org, without a user or a query.", field="address")
    if wrong := kind_of(kind).check(address, secret):
        raise Invalid(wrong, field="secret" if "credential" in wrong else "address")
    return address.rstrip("/")


def _words(connection: Connection, secret: str | None) -> dict[str, Any]:
    """For the audit: of the secret only whether it was changed."""
    said = {"name": connection.name, "kind": connection.kind, "address": connection.address}
    return said | ({"secret": "changed" if secret else "taken away"} if secret is not None else {})


def _forget_test(connection: Connection) -> None:
    connection.health, connection.trouble, connection.said = Connection.Health.UNTESTED, "", ""
    connection.version, connection.tested_at = "", None
