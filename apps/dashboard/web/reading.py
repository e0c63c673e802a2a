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


def rights(reader: User, family: ModelFamily, *names: str) -> dict[str, bool]:
    """Those of RIGHTS (all unless named), asked once for the whole page: buttons stand where the action is allowed."""
    if not names:
        prefetch_related_objects([family], "on_call")  # who are asked for several times
    return {name: allowed(reader, RIGHTS[name], family) for name in names or RIGHTS}


def frame(reader: User, family: ModelFamily, *names: str) -> dict[str, Any]:
    """What every page of a family shows: the family, what the reader may do (see `rights`), and what is frozen."""
    return {"family": family, "may": rights(reader, family, *names), "freeze": registry.freeze_on(family)}


def head(reader: User, family: ModelFamily) -> dict[str, Any]:
    """What the head of the family's own pages shows (`_family_frame.html`): all of `frame`, and how the family does."""
    return {**frame(reader, family), "line": queries.family_line(actor=reader, family=family)}
