"""Verbs of the catalog."""

from apps.catalog.actions.deciding import (
    accept_decision,
    close_decision,
    propose_decision,
    send_back_decision,
    supersede_decision,
    withdraw_decision,
)
from apps.catalog.actions.decisions import MOST_OPTIONS, OptionDraft, Text, draft_decision, edit_decision
from apps.catalog.actions.exceptions import renew_exception
from apps.catalog.actions.imports import import_file
from apps.catalog.actions.looking import look_back, postpone_again
from apps.catalog.actions.needs import (
    Answer,
    Gap,
    Seen,
    Wish,
    answer_request,
    declare_usage,
    edit_gap,
    end_usage,
    record_gap,
    request_tool,
    sync_discovered,
    withdraw_request,
)
from apps.catalog.actions.positions import (
    Opinion,
    approve_move,
    confirm_position,
    edit_position,
    name_experts,
    propose_move,
    refuse_move,
    withdraw_move,
)
from apps.catalog.actions.radar import publish_edition
from apps.catalog.actions.tools import (
    CapabilityFacts,
    ToolFacts,
    add_capability,
    add_tool,
    confirm_facts,
    edit_capability,
    edit_tool,
)
from apps.catalog.exchange.difference import Difference

__all__ = [
    "MOST_OPTIONS",
    "Answer",
    "CapabilityFacts",
    "Difference",
    "Gap",
    "Opinion",
    "OptionDraft",
    "Seen",
    "Text",
    "ToolFacts",
    "Wish",
    "accept_decision",
    "add_capability",
    "add_tool",
    "answer_request",
    "approve_move",
    "close_decision",
    "confirm_facts",
    "confirm_position",
    "declare_usage",
    "draft_decision",
    "edit_capability",
    "edit_decision",
    "edit_gap",
    "edit_position",
    "edit_tool",
    "end_usage",
    "import_file",
    "look_back",
    "name_experts",
    "postpone_again",
    "propose_decision",
    "propose_move",
    "publish_edition",
    "record_gap",
    "refuse_move",
    "renew_exception",
    "request_tool",
    "send_back_decision",
    "supersede_decision",
    "sync_discovered",
    "withdraw_decision",
    "withdraw_move",
    "withdraw_request",
]
