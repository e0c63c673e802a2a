"""Audit words of transfers."""

from apps.audit.words import Word


class Event(Word):
    EXPORTED = "transfers.exported", "exported models, versions and runs to {target}"
