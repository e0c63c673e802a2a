"""Audit words of the catalog."""

from apps.audit.words import Word


class Event(Word):
    CAPABILITY_ADDED = "catalog.capability_added", "added the capability {target}"
    CAPABILITY_EDITED = "catalog.capability_edited", "edited the capability {target}"
    TOOL_ADDED = "catalog.tool_added", "added the tool {target}"
    TOOL_EDITED = "catalog.tool_edited", "edited the facts about {target}"
    TOOL_PLACED = "catalog.tool_placed", "gave {target} its first position"
    RING_MOVED = "catalog.ring_moved", "moved {target} to another ring"
    POSITION_EDITED = "catalog.position_edited", "edited the position of {target}"
    DECISION_DRAFTED = "catalog.decision_drafted", "drafted {target}"
    DECISION_EDITED = "catalog.decision_edited", "edited {target}"
    DECISION_PROPOSED = "catalog.decision_proposed", "proposed {target}"
    DECISION_SENT_BACK = "catalog.decision_sent_back", "sent {target} back to be reworked"
    DECISION_ACCEPTED = "catalog.decision_accepted", "accepted {target}"
    DECISION_SUPERSEDED = "catalog.decision_superseded", "replaced {target}"
    DECISION_CLOSED = "catalog.decision_closed", "closed {target}"
