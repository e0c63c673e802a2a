"""Audit words of retention."""

from apps.audit.words import Word


class Event(Word):
    RULE_SET = "retention.rule_set", "said how long {target} keeps what"
    CUT = "retention.cut", "had the rule of {target} remove what it keeps no longer"
    FILES_REMOVED = "retention.files_removed", "had the family's rule remove the files of {target}"
