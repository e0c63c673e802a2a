"""Who may say how long a family keeps what."""

from __future__ import annotations

from apps.accounts.rules import is_platform_admin, leads_owner
from apps.core.permissions import grant

grant(
    "retention.set_rule",
    leads_owner | is_platform_admin,
    scope="registry:write",
    refusal="Only a lead of the team that owns this family, or a platform admin, can say how long it keeps what.",
)
