"""Every verb as each door offers it: who is tried at it, and how it is said there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.audit.models import AuditEvent

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class Offer:
    """One way of doing something.

    `at` is its address as the door's own list has it, method first, with places to fill. `may`: the rows of
    docs/rights.md that have to say yes. `first` brings about what it is done to. `only`: a door that shows people
    nothing but their own, and whose it is here. `about`: what somebody in particular would do it to. `seen`: whether it
    was done, where something is written for whoever asks, or nothing but the audit. `then`: the next call of what takes
    several, made of the answer.
    """

    may: tuple[str, ...]
    at: str
    body: Mapping[str, Any] = field(default_factory=dict)
    first: Callable[[], object] | None = None
    places: Mapping[str, object] = field(default_factory=dict)
    query: str = ""
    only: frozenset[str] | None = None
    about: Callable[[User], object] | None = None
    seen: Callable[[], bool] | None = None
    then: Callable[[Any], Offer] | None = None

    @property
    def method(self) -> str:
        return self.at.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.at.partition(" ")[2]


def noted(event: str) -> Callable[[], bool]:
    """Whether the audit has it."""
    return AuditEvent.objects.filter(action=event).exists


def offer(may: str, at: str, body: Mapping[str, Any] | None = None, **chosen: Any) -> Offer:
    """`may` names one permission, or several between spaces."""
    return Offer(tuple(may.split()), at, body or {}, **chosen)
