"""What every page of a family begins with: who reads, the family, and what they may do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import prefetch_related_objects

from apps.accounts.signed_in import person
from apps.core.permissions import allowed
from apps.core.web import PageRequest
from apps.dashboard import queries
from apps.registry import queries as registry

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily

RIGHTS = {
    "propose": "registry.propose",
    "register": "registry.register",
    "evaluate": "registry.evaluate",
    "retrain": "retraining.submit",
    "roll_back": "registry.roll_back",
    "edit": "registry.edit_family",
    "hand_over": "registry.hand_over",
    "freeze": "registry.freeze",
}


def family_of(request: PageRequest, slug: str) -> ModelFamily:
    """The family, if the reader may see it."""
    return registry.family(actor=person(request), slug=slug)


class Rights(dict[str, bool]):
    """What the reader may do with the family, by the names of RIGHTS; asked when the page looks, and once each."""

    def __init__(self, reader: User, family: ModelFamily) -> None:
        super().__init__()
        self.reader, self.family = reader, family

    def __missing__(self, name: str) -> bool:
        self[name] = allowed(self.reader, RIGHTS[name], self.family)
        return self[name]


def frame(reader: User, family: ModelFamily) -> dict[str, Any]:
    """What every page of a family shows: the family, what the reader may do, and what is frozen."""
    return {"family": family, "may": Rights(reader, family), "freeze": registry.freeze_on(family)}


def head(reader: User, family: ModelFamily, *, line: queries.FamilyLine | None = None) -> dict[str, Any]:
    """What the head of the family's own pages shows (`_family_frame.html`): all of `frame`, and how the family does.

    That is read here unless the page has it already.
    """
    prefetch_related_objects([family], "on_call")  # who are shown, and looked through for a right
    return {**frame(reader, family), "line": line or queries.family_line(actor=reader, family=family)}
