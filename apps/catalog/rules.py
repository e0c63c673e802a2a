"""Who may do what in the catalog: everybody proposes, editors write, the board decides, nobody decides alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from apps.accounts.rules import belongs, is_active, is_board, is_catalog_editor, leads
from apps.catalog.models import Decision, FeatureGap, Position, RingMove, ToolRequest
from apps.core.permissions import grant

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


@rules.predicate
def wrote_or_proposed(user: User, decision: Decision | None) -> bool:
    return decision is not None and user.pk in (decision.author_id, decision.proposer_id)


@rules.predicate
def owns(user: User, target: Decision | Position | None) -> bool:
    return target is not None and target.owner_id == user.pk


@rules.predicate
def proposed_move(user: User, move: RingMove | None) -> bool:
    return move is not None and move.proposer_id == user.pk


@rules.predicate
def requested(user: User, request: ToolRequest | None) -> bool:
    return request is not None and request.requester_id == user.pk


@rules.predicate
def reported(user: User, gap: FeatureGap | None) -> bool:
    return gap is not None and gap.reporter_id == user.pk


@rules.predicate
def leads_team(user: User, team: Team | None) -> bool:
    return team is not None and leads(user, team.pk)


@rules.predicate
def is_in_team(user: User, team: Team | None) -> bool:
    return team is not None and belongs(user, team.pk)


WRITE, DECIDE = "catalog:write", "catalog:decide"

grant(
    "catalog.edit",
    is_catalog_editor,
    scope=WRITE,
    refusal="Only a catalog editor can change capabilities, tools and what their positions say.",
)
grant("catalog.propose_move", is_active, scope=WRITE, refusal="Only an active account can propose a ring.")
grant(
    "catalog.decide_move",
    is_board & ~proposed_move,
    scope=DECIDE,
    refusal="Only a member of the board who did not propose it can decide about a ring.",
)
grant(
    "catalog.withdraw_move",
    proposed_move | is_board,
    scope=WRITE,
    refusal="Only whoever proposed it, or the board, can withdraw this.",
)
grant(
    "catalog.review",
    is_catalog_editor | is_board | owns,
    scope=WRITE,
    refusal="Only the tool's owner, a catalog editor or the board can review its position.",
)
grant(
    "catalog.publish",
    is_catalog_editor | is_board,
    scope=WRITE,
    refusal="Only a catalog editor or a member of the board can publish an edition of the radar.",
)
grant(
    "catalog.write_decision",
    is_catalog_editor | is_board,
    scope=WRITE,
    refusal="Only a catalog editor or a member of the board can write and propose decisions.",
)
grant(
    "catalog.ask_exception",
    is_catalog_editor | is_board | leads_team,
    scope=WRITE,
    refusal="Only a lead of the team, a catalog editor or the board can ask for an exception.",
)
grant(
    "catalog.edit_decision",
    is_catalog_editor | is_board | wrote_or_proposed,
    scope=WRITE,
    refusal="Only its author, a catalog editor or a member of the board can edit and propose this.",
)
grant(
    "catalog.withdraw_decision",
    wrote_or_proposed,
    scope=WRITE,
    refusal="Only whoever wrote or proposed it can withdraw it; the board can send it back.",
)
grant(
    "catalog.decide",
    is_board & ~wrote_or_proposed,
    scope=DECIDE,
    refusal="Only a member of the board who neither wrote nor proposed it can accept a decision.",
)
grant(
    "catalog.conclude",
    is_board,
    scope=DECIDE,
    refusal="Only a member of the board can send back, supersede or close a decision.",
)
grant(
    "catalog.look_again",
    is_board | owns,
    scope=WRITE,
    refusal="Only its owner or a member of the board can go on waiting.",
)
grant(
    "catalog.look_back",
    is_board | is_catalog_editor | owns,
    scope=WRITE,
    refusal="Only its owner, a catalog editor or the board can write what it looks like from now.",
)
grant("catalog.record_gap", is_active, scope=WRITE, refusal="Only an active account can record a feature gap.")
grant(
    "catalog.edit_gap",
    reported | is_catalog_editor,
    scope=WRITE,
    refusal="Only whoever recorded it, or a catalog editor, can edit a feature gap.",
)
grant(
    "catalog.request_tool",
    is_in_team,
    scope=WRITE,
    refusal="Ask for a tool for a team that you belong to.",
)
grant(
    "catalog.answer_request",
    (is_catalog_editor | is_board) & ~requested,
    scope=WRITE,
    refusal="Only a catalog editor or the board can answer a request, and not their own.",
)
grant(
    "catalog.withdraw_request",
    requested,
    scope=WRITE,
    refusal="Only whoever asked can withdraw a request.",
)
grant(
    "catalog.declare_usage",
    is_catalog_editor | is_in_team,
    scope=WRITE,
    refusal="Only a member of the team, or a catalog editor, can say what the team uses.",
)
