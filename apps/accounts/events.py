"""Audit words of accounts."""

from apps.audit.words import Word


class Event(Word):
    TOKEN_CREATED = "accounts.token_created", "made the API token {target}"
    TOKEN_REVOKED = "accounts.token_revoked", "revoked the API token {target}"
    USER_CREATED = "accounts.user_created", "added {target}"
    TEAM_CREATED = "accounts.team_created", "founded the team {target}"
    MEMBER_ADDED = "accounts.member_added", "put {target}"
    ROLE_GIVEN = "accounts.role_given", "gave the role {target}"
