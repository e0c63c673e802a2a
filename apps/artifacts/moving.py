"""From one place of files to another, while the portal goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apps.artifacts.queries import all_blobs
from apps.artifacts.store import Store
from apps.core.errors import Unavailable


@dataclass(frozen=True)
class Step:
    """A file that the other place lacked: how many of how many, its bytes, and why it could not be copied."""

    number: int
    total: int
    sha256: str
    size: int
    fault: str = ""


def missing_in(target: Store) -> list[tuple[str, int]]:
    """sha256 and bytes of what the database names and the place lacks."""
    there = {sha256 for sha256, _ in target.names()}
    return [(sha256, size) for sha256, size in all_blobs() if sha256 not in there]


def copy_missing(source: Store, target: Store) -> Iterator[Step]:
    """Copies it, each file compared with its digest; what is damaged is told and left out. Then what is published."""
    missing = missing_in(target)
    for number, (sha256, size) in enumerate(missing, start=1):
        yield Step(number, len(missing), sha256, size, _copy(source, target, sha256))
    for name in source.published_names():
        target.publish(name, source.published(name))


def _copy(source: Store, target: Store, sha256: str) -> str:
    try:
        body = source.open(sha256)
    except Unavailable as error:
        return error.message
    with body:
        target.put(body)
    return ""
