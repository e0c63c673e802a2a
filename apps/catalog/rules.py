"""Who may do what in the catalog: editors write, the board decides, nobody decides alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from apps.accounts.rules import is_board, is_catalog_editor
from apps.catalog.models import Decision
from apps.core.permissions import grant

if TYPE_CHECKING:
    from apps.accounts.models import User


@rules.predicate
def wrote_or_proposed(user: User, decision: Decision | None) -> bool:
    return decision is not None and user.pk in (decision.author_id, decision.proposer_id)


grant(
    "catalog.edit",
    is_catalog_editor,
    scope="catalog:write",
    refusal="Only a catalog editor can change capabilities, tools and their positions.",
)
grant(
    "catalog.write_decision",
    is_catalog_editor | is_board,
    scope="catalog:write",
    refusal="Only a catalog editor or a member of the board can write and propose decisions.",
)
grant(
    "catalog.decide",
    is_board & ~wrote_or_proposed,
    scope="catalog:decide",
    refusal="Only a member of the board who neither wrote nor proposed it can accept a decision.",
)
grant(
    "catalog.conclude",
    is_board,
    scope="catalog:decide",
    refusal="Only a member of the board can send back, supersede or close a decision.",
)
