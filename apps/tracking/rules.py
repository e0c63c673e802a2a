"""Who may write evidence: the members of the experiment's team; a run, only the person it runs as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from apps.accounts.rules import belongs, is_member_of_owner, leads
from apps.core.permissions import grant

if TYPE_CHECKING:
    from apps.accounts.models import Team, User
    from apps.tracking.models import Experiment, LoggedModel, Run, Upload


@rules.predicate
def is_member(user: User, team: Team) -> bool:
    return belongs(user, team.pk)


@rules.predicate
def runs_as(user: User, run: Run | LoggedModel | Upload) -> bool:
    return run.user_id == user.pk


@rules.predicate
def leads_team_of(user: User, run: Run) -> bool:
    return leads(user, run.experiment.team_id)


@rules.predicate
def made(user: User, experiment: Experiment) -> bool:
    return experiment.created_by_id == user.pk


@rules.predicate
def leads_owner(user: User, experiment: Experiment) -> bool:
    return leads(user, experiment.team_id)


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
grant(
    "tracking.delete_run",
    runs_as | leads_team_of,
    scope="tracking:write",
    refusal="Only the person a run belongs to, or a lead of its team, can delete or restore it.",
)
grant(
    "tracking.write_logged_model",
    runs_as,
    scope="tracking:write",
    refusal="Only the person who logged a model can change it; log one of your own.",
)
grant(
    "tracking.edit_experiment",
    is_member_of_owner,
    scope="tracking:write",
    refusal="Only members of the experiment's team can change it; ask one of its leads.",
)
grant(
    "tracking.delete_experiment",
    (made & is_member_of_owner) | leads_owner,
    scope="tracking:write",
    refusal="Only who made an experiment, or a lead of its team, can delete or restore it.",
)
grant(
    "tracking.upload",
    runs_as,
    scope="tracking:write",
    refusal="Only who began an upload can add to it; choose an id of your own.",
)
