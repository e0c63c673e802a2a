"""Who may tell of runs, and who sees what nobody can place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from apps.accounts.rules import belongs, is_operator, serves_platform_team
from apps.core.permissions import grant

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.tracking.models import Run


@rules.predicate
def may_tell_of(user: User, run: Run | None) -> bool:
    """Of one's own runs and one's team's; a platform team, whose Airflow runs everybody's, of any; of none anybody."""
    if run is None or run.user_id == user.pk or belongs(user, run.experiment.team_id):
        return True
    return bool(serves_platform_team(user) or is_operator(user))


grant(
    "lineage.tell",
    may_tell_of,
    scope="lineage:write",
    refusal="Only the person a run belongs to, their team, or a platform team can tell what it read and wrote.",
)
