"""What the home page shows, gathered from the parts of the portal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import User


@dataclass(frozen=True)
class Task:
    """Something that waits for the reader: a decision, or a failure of their own."""

    icon: str
    title: str
    detail: str
    url: str
    verb: str
    since: datetime | None = None


@dataclass(frozen=True)
class Running:
    """A request of the reader's that works now; `done` of `whole` segment runs have ended."""

    title: str
    detail: str
    url: str
    done: int
    whole: int


@dataclass(frozen=True)
class Health:
    """A model family of the reader's teams; `tone` ok, warn, bad or idle says how it does, `verdict` in words."""

    name: str
    detail: str
    url: str
    tone: str
    verdict: str


@dataclass(frozen=True)
class MyWork:
    """The home page's sections, each worst or oldest first."""

    waiting: Sequence[Task] = ()
    running: Sequence[Running] = ()
    families: Sequence[Health] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.waiting or self.running or self.families)


def my_work(*, actor: User) -> MyWork:
    """Everything on the actor's home page."""
    return MyWork()
