"""Verbs of the catalog."""

from apps.catalog.actions.decisions import (
    MOST_OPTIONS,
    OptionDraft,
    Text,
    accept_decision,
    close_decision,
    draft_decision,
    edit_decision,
    propose_decision,
    send_back_decision,
    supersede_decision,
)
from apps.catalog.actions.positions import Opinion, place_tool
from apps.catalog.actions.tools import CapabilityFacts, ToolFacts, add_capability, add_tool, edit_capability, edit_tool

__all__ = [
    "MOST_OPTIONS",
    "CapabilityFacts",
    "Opinion",
    "OptionDraft",
    "Text",
    "ToolFacts",
    "accept_decision",
    "add_capability",
    "add_tool",
    "close_decision",
    "draft_decision",
    "edit_capability",
    "edit_decision",
    "edit_tool",
    "place_tool",
    "propose_decision",
    "send_back_decision",
    "supersede_decision",
]
