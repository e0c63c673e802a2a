"""Audit words of platforms."""

from apps.audit.words import Word


class Event(Word):
    CONNECTION_SET = "platforms.connection_set", "set the connection {target}"
    CONNECTION_REMOVED = "platforms.connection_removed", "removed the connection {target}"
