"""Through which door and with which credential the current work is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Door(StrEnum):
    WEB = "web"
    API = "api"
    MLFLOW = "mlflow"
    TASK = "task"
    COMMAND = "command"


RUN_SCOPE = "run:"
"""A token with the scope `run:<id>` can do the work of that run and nothing else."""


@dataclass(frozen=True)
class Boundary:
    """What a thing belongs to: slugs of its team and of its model family."""

    team: str = ""
    family: str = ""


@dataclass(frozen=True)
class Credential:
    """What an API token may do; an empty set of teams or families does not narrow."""

    name: str
    scopes: frozenset[str]
    teams: frozenset[str] = field(default_factory=frozenset)
    families: frozenset[str] = field(default_factory=frozenset)

    def allows(self, scope: str) -> bool:
        return scope in self.scopes

    @property
    def run(self) -> str:
        """The id of the one run whose work this credential can do; empty for any other."""
        return next((scope.removeprefix(RUN_SCOPE) for scope in self.scopes if scope.startswith(RUN_SCOPE)), "")

    @property
    def narrowed(self) -> bool:
        return bool(self.teams or self.families)

    def covers(self, boundary: Boundary | None) -> bool:
        """A narrowed token reaches only things inside its teams or families."""
        if not self.narrowed:
            return True
        return boundary is not None and (boundary.team in self.teams or boundary.family in self.families)


@dataclass(frozen=True)
class Context:
    door: Door = Door.COMMAND
    credential: Credential | None = None


_OUTSIDE = Context()
_current: ContextVar[Context] = ContextVar("portal_context", default=_OUTSIDE)


def current() -> Context:
    return _current.get()


@contextmanager
def through(door: Door) -> Iterator[None]:
    """All work inside comes through this door, with no credential until one is presented."""
    token = _current.set(Context(door=door))
    try:
        yield
    finally:
        _current.reset(token)


def present(credential: Credential) -> None:
    """The caller has shown a credential; it holds until the door is closed."""
    _current.set(replace(current(), credential=credential))
