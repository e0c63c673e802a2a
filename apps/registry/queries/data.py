"""Data in S3 that a version names: what its run says it used, and its own source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from apps.core.errors import Missing
from apps.platforms.queries import data_links
from apps.tracking.queries import origins

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelVersion
    from apps.tracking.queries import Origin, Used

S3 = ("s3://", "s3a://", "s3n://")


@dataclass(frozen=True)
class VersionData:
    """`number` names it below its version; `connection` is empty where none covers the address: nothing is fetched."""

    number: int
    name: str
    context: str
    address: str
    connection: str


def origin_of_version(*, actor: User, version: ModelVersion) -> Origin | None:
    """What its run logged of itself, where this person may read that run."""
    return origins(actor=actor, run_ids=[version.run_id]).get(version.run_id) if version.run_id else None


def data_of(version: ModelVersion, origin: Origin | None) -> list[VersionData]:
    """Only addresses in S3, each once, in the order in which they were named."""
    named: dict[str, tuple[str, str]] = {}
    for name, context, address in _named(version, origin):
        named.setdefault(address, (name, context))
    covered = data_links(named)
    return [
        VersionData(number, name, context, address, covered[address].connection.name if address in covered else "")
        for number, (address, (name, context)) in enumerate(named.items(), start=1)
    ]


def data_download(*, actor: User, version: ModelVersion, number: int) -> str:
    """An address good for a minute. Raises Missing for what it does not name or nobody connected, Unavailable."""
    origin = origin_of_version(actor=actor, version=version)
    named = {data.number: data.address for data in data_of(version, origin)}
    link = data_links([named[number]]).get(named[number]) if number in named else None
    if link is None:
        raise Missing("This version names no such data, or no S3 connection covers it; a platform admin makes one.")
    return link.download(seconds=settings.S3_LINK_SECONDS)


def _named(version: ModelVersion, origin: Origin | None) -> Iterator[tuple[str, str, str]]:
    """Name, context, address."""
    for used in origin.datasets if origin else ():
        for address in _addresses(used):
            yield used.name, used.context, address
    if version.source.startswith(S3):
        yield "source", "", version.source


def _addresses(used: Used) -> Iterator[str]:
    """As MLflow's data sources write themselves: JSON with `uri`, `url` or `path`; or the address alone."""
    try:
        said = json.loads(used.source)
    except ValueError:
        said = used.source
    told = [said.get(key) for key in ("uri", "url", "path")] if isinstance(said, dict) else [said]
    yield from (address for address in told if isinstance(address, str) and address.startswith(S3))
