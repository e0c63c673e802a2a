"""Audit words of platforms."""

from apps.audit.words import Word


class Event(Word):
    CONNECTION_SET = "platforms.connection_set", "set the connection {target}"
    CONNECTION_REMOVED = "platforms.connection_removed", "removed the connection {target}"
    LINK_SET = "platforms.link_set", "set the link out {target}"
    LINK_REMOVED = "platforms.link_removed", "removed the link out {target}"
