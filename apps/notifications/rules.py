"""Who may say what leaves the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from apps.accounts.rules import is_active, is_platform_admin, leads
from apps.core.permissions import grant

if TYPE_CHECKING:
    from apps.accounts.models import Team, User
    from apps.notifications.models import Webhook

WRITE = "notifications:write"


@rules.predicate
def leads_team(user: User, team: Team | None) -> bool:
    return team is not None and leads(user, team.pk)


@rules.predicate
def leads_team_of(user: User, webhook: Webhook | None) -> bool:
    return webhook is not None and leads(user, webhook.team_id)


grant(
    "notifications.choose_mail",
    is_active,
    scope="accounts:write",
    refusal="Only an active account can choose its mails.",
)
grant(
    "notifications.set_channel",
    is_platform_admin | leads_team,
    scope=WRITE,
    refusal="Only a lead of the team, or a platform admin, can say where the team is told.",
)
grant(
    "notifications.create_webhook",
    is_platform_admin | leads_team,
    scope=WRITE,
    refusal="Only a lead can make a webhook for their team, and only a platform admin one for the whole portal.",
)
grant(
    "notifications.edit_webhook",
    is_platform_admin | leads_team_of,
    scope=WRITE,
    refusal="Only a platform admin, or a lead of the webhook's team, can change, test or use it.",
)
