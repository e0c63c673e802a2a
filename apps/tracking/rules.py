"""Who may write evidence: the members of the experiment's team; a run, only the person it runs as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from apps.accounts.rules import belongs, is_member_of_owner
from apps.core.permissions import grant

if TYPE_CHECKING:
    from apps.accounts.models import Team, User
    from apps.tracking.models import Run


@rules.predicate
def is_member(user: User, team: Team) -> bool:
    return belongs(user, team.pk)


@rules.predicate
def runs_as(user: User, run: Run) -> bool:
    return run.user_id == user.pk


grant(
    "tracking.create_experiment",
    is_member,
    scope="tracking:write",
    refusal="Only members of a team can start an experiment for it; ask one of its leads.",
)
grant(
    "tracking.open_run",
    is_member_of_owner,
    scope="tracking:write",
    refusal="Only members of the experiment's team can add runs to it; ask one of its leads.",
)
grant(
    "tracking.write_run",
    runs_as,
    scope="tracking:write",
    refusal="Only the person a run belongs to can write to it; open a run of your own.",
)
