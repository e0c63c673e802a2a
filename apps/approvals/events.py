"""Audit words of approvals."""

from apps.audit.words import Word


class Event(Word):
    OPENED = "approvals.opened", "asked for approval of {target}"
    SAID_YES = "approvals.said_yes", "said yes to {target}"
    SAID_NO = "approvals.said_no", "said no to {target}"
    WITHDRAWN = "approvals.withdrawn", "withdrew the question {target}"
    EXPIRED = "approvals.expired", "let {target} expire unanswered"
