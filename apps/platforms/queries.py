"""Reads of connections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from apps.core.errors import Invalid, Missing, Unavailable
from apps.core.keyring import unseal
from apps.core.permissions import allowed
from apps.platforms.base import Happening, Platform, Teller, Workflow
from apps.platforms.calling import Unknown
from apps.platforms.mlflow import MlflowServer
from apps.platforms.mlflow_writing import MlflowWriter
from apps.platforms.models import Connection, OutsideLink
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.probing import Trouble
from apps.platforms.s3 import Bucket, Place, place_at
from apps.platforms.templating import filled

S3_ADDRESS = re.compile(r"s3[an]?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.{1,1000})")

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.models import User
    from apps.platforms.models import ConnectionQuerySet

FIRST_HEARD = timedelta(hours=1)
"""How old what a platform tells may be when it is listened to for the first time."""
SEEN_LATE = timedelta(minutes=2)
"""What happened together is not always written down in that order, so a little is heard twice."""


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


def platform_of(connection: Connection) -> Platform:
    """Where work is handed over. Raises Invalid for a kind that runs nothing, Unavailable for a secret that is lost.

    It may ask the platform for its version, so it raises Unreachable and Refused as well.
    """
    make = connection.about.platform
    if make is None:
        raise Invalid(f"{connection} is a {connection.about.label}, which runs no pipelines.", field="connection")
    return make(connection.address, _secret(connection))


def platform_at(connection_id: int) -> Platform:
    """For the engine; raises as `platform_of` does, and Missing."""
    found = Connection.objects.filter(pk=connection_id).first()
    if found is None:
        raise Missing("The connection is gone.")
    return platform_of(found)


def happenings_at(connection: Connection) -> Sequence[Happening]:
    """What happened there since the last time, and a little before that; the oldest first. Asks the platform.

    Empty for a platform that tells nothing. Raises as `platform_of` does, Unreachable and Refused.
    """
    platform = platform_of(connection)
    since = connection.heard_until or timezone.now() - FIRST_HEARD
    return platform.happenings(since - SEEN_LATE) if isinstance(platform, Teller) else []


def is_out_of_reach(connection_id: int) -> bool:
    """Whether its last test got no answer: a call would wait for nothing."""
    unanswered = (Trouble.ADDRESS, Trouble.TLS)
    return Connection.objects.filter(pk=connection_id, trouble__in=unanswered).exists()


def trouble_of(connection_id: int) -> str:
    """What its last test found wrong, in a sentence; empty where nothing was."""
    wrong = Connection.objects.filter(pk=connection_id, health=Connection.Health.TROUBLE)
    return wrong.values_list("said", flat=True).first() or ""


def in_trouble() -> list[tuple[str, str]]:
    """Name of each connection whose last test found something wrong, and the sentence what that is; by name."""
    return list(Connection.objects.filter(health=Connection.Health.TROUBLE).values_list("name", "said"))


def workflows_of(*, actor: User, name: str, tag: str = "") -> list[Workflow]:
    """What the platform of that connection can run, as it says now; asks it, so it may take seconds.

    Raises Missing, Invalid for a kind that runs nothing, Unavailable with the sentence why it can not be asked.
    """
    with _asked():
        return list(platform_of(connection_of(actor=actor, name=name)).workflows(tag))


def workflow_of(*, actor: User, name: str, workflow: str) -> Workflow:
    """One of them, with the schema of its parameters. Raises as `workflows_of` does."""
    with _asked():
        return platform_of(connection_of(actor=actor, name=name)).workflow(workflow)


@contextmanager
def _asked() -> Iterator[None]:
    try:
        yield
    except Unknown as error:
        raise Missing(str(error)) from error
    except (Refused, Unreachable) as error:
        raise Unavailable(str(error)) from error


@dataclass(frozen=True)
class DataLink:
    """An object that a connection covers: its bucket, and its key below the connection's prefix."""

    connection: Connection
    key: str

    def download(self, *, seconds: int) -> str:
        """An address that hands it out for so long. Raises Missing where it is not there, Unavailable."""
        bucket = Bucket(place_at(self.connection.address, _secret(self.connection)))
        with _asked():
            if bucket.find(self.key) is None:
                raise Missing(f"There is no object {self.key!r} in {bucket.place} now; it may be a folder, or gone.")
            return bucket.link(self.key, name=self.key, seconds=seconds)


def data_links(addresses: Iterable[str]) -> dict[str, DataLink]:
    """By address (`s3://bucket/key`), those that an S3 connection covers; of two connections the longer prefix."""
    wanted = {address: told for address in addresses if (told := S3_ADDRESS.fullmatch(address))}
    if not wanted:
        return {}
    covering = [(one, place_at(one.address)) for one in connections("s3")]
    covering.sort(key=lambda pair: -len(pair[1].prefix))
    found = {address: _covered(told[1], told[2], covering) for address, told in wanted.items()}
    return {address: link for address, link in found.items() if link}


def _covered(bucket: str, key: str, covering: Iterable[tuple[Connection, Place]]) -> DataLink | None:
    """Only below the prefix, whose end is a slash; a key that climbs is nobody's."""
    if any(part in ("", ".", "..") for part in key.split("/")) or not key.isprintable():
        return None
    for connection, place in covering:
        below = f"{place.prefix}/" if place.prefix else ""
        if place.bucket == bucket and key.startswith(below):
            return DataLink(connection, key.removeprefix(below))
    return None


def runs_work(connection: Connection) -> bool:
    """Whether segment runs can be handed over there."""
    return connection.about.platform is not None


@dataclass(frozen=True)
class LinkOut:
    """A link to another product, as one page of ours shows it."""

    name: str
    address: str


def links_out(
    *,
    page: str,
    values: Callable[[], Mapping[str, object]],
    ran_on: Callable[[], int | None] = lambda: None,
) -> list[LinkOut]:
    """The links of that page (`OutsideLink.Page`) for which all values are there, by name.

    `values`, and `ran_on` (the connection where it ran, for links that are only for what ran there), are asked only
    where there are links at all.
    """
    shown = [link for link in OutsideLink.objects.all() if not link.pages or page in link.pages]
    place = ran_on() if any(link.connection_id for link in shown) else None
    shown = [link for link in shown if link.connection_id in (None, place)]
    known = values() if shown else {}
    found = (LinkOut(link.name, filled(link.template, known)) for link in shown)
    return [link for link in found if link.address]


def outside_links(actor: User) -> QuerySet[OutsideLink]:
    """All templates, by name, for those who look after them: they name addresses inside the company."""
    found = OutsideLink.objects.select_related("connection", "created_by")
    return found if may_administer(actor) else found.none()


def outside_link(*, actor: User, link_id: int) -> OutsideLink:
    """Raises Missing."""
    found = outside_links(actor).filter(pk=link_id).first()
    if found is None:
        raise Missing("There is no such link out here, or you may not see it.")
    return found


def _secret(connection: Connection) -> str:
    return unseal(connection.sealed_secret) if connection.sealed_secret else ""
