"""Who uses a connection: apps above say so, each for itself, and install that at start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.platforms.models import Connection


@dataclass(frozen=True)
class Use:
    """Something that came through a connection or will: its name, how much of it, where it is shown, what is wrong."""

    name: str
    words: str
    address: str
    problem: str = ""


Describe = Callable[["Connection"], list[Use]]
_describe: list[Describe] = []


def install(describe: Describe) -> None:
    """`describe(connection)` answers what one app uses it for."""
    _describe.append(describe)


def uses(connection: Connection) -> list[Use]:
    return [use for describe in _describe for use in describe(connection)]
