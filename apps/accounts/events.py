"""Audit words of accounts."""

from apps.audit.words import Word


class Event(Word):
    TOKEN_CREATED = "accounts.token_created", "made the API token {target}"
    TOKEN_TRADED = "accounts.token_traded", "traded a word of its CI for the API token {target}"
    TOKEN_REVOKED = "accounts.token_revoked", "revoked the API token {target}"
    PASSWORD_CHANGED = "accounts.password_changed", "changed the password of {target}"
    USER_CREATED = "accounts.user_created", "added {target}"
    TEAM_CREATED = "accounts.team_created", "founded the team {target}"
    MEMBER_ADDED = "accounts.member_added", "put {target}"
    ROLE_GIVEN = "accounts.role_given", "gave the role {target}"
    MEMBER_REMOVED = "accounts.member_removed", "ended the membership of {target}"
    ROLE_TAKEN = "accounts.role_taken", "took back the role {target}"
    SWITCHED_OFF = "accounts.switched_off", "switched the account of {target} off"
    SWITCHED_ON = "accounts.switched_on", "switched the account of {target} on"
    IDENTITY_LINKED = "accounts.identity_linked", "linked {target}"
    BROKE_GLASS = "accounts.broke_glass", "signed in as {target} by a link made on the server"
    SERVICE_ACCOUNT_CREATED = "accounts.service_account_created", "made the service account {target}"
