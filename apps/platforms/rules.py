"""Who may say which platforms the portal talks to."""

from apps.accounts.rules import is_platform_admin
from apps.core.permissions import grant

grant(
    "platforms.administer",
    is_platform_admin,
    scope="platforms:admin",
    refusal="Only a platform admin can change connections to platforms and links out; ask one of them.",
)
