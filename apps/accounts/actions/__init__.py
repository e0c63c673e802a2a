"""Verbs of accounts."""

from apps.accounts.actions.people import (
    add_member,
    create_service_account,
    create_team,
    create_user,
    found_portal,
    give_role,
    remove_member,
    switch_off,
    switch_on,
    take_role,
)
from apps.accounts.actions.single_sign_on import (
    admit,
    break_glass,
    claim_identity,
    confirm,
    due_identities,
    let_rest,
    outlived,
)
from apps.accounts.actions.tokens import (
    LONGEST_TOKEN_DAYS,
    NewToken,
    create_run_token,
    create_token,
    end_run_token,
    revoke_token,
    trade_token,
)

__all__ = [
    "LONGEST_TOKEN_DAYS",
    "NewToken",
    "add_member",
    "admit",
    "break_glass",
    "claim_identity",
    "confirm",
    "create_run_token",
    "create_service_account",
    "create_team",
    "create_token",
    "create_user",
    "due_identities",
    "end_run_token",
    "found_portal",
    "give_role",
    "let_rest",
    "outlived",
    "remove_member",
    "revoke_token",
    "switch_off",
    "switch_on",
    "take_role",
    "trade_token",
]
