"""Audit words of notifications."""

from apps.audit.words import Word


class Event(Word):
    WEBHOOK_CREATED = "notifications.webhook_created", "made the webhook {target}"
    WEBHOOK_CHANGED = "notifications.webhook_changed", "changed the webhook {target}"
    WEBHOOK_DELETED = "notifications.webhook_deleted", "deleted the webhook {target}"
    WEBHOOK_TESTED = "notifications.webhook_tested", "tested the webhook {target}"
    SENT_AGAIN = "notifications.sent_again", "had {target} sent again"
    CHANNEL_SET = "notifications.channel_set", "set the {target}"
    CHANNEL_REMOVED = "notifications.channel_removed", "took away the {target}"
    CHANNEL_TESTED = "notifications.channel_tested", "tested the {target}"
