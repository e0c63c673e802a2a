"""Who may do what with retraining."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from apps.accounts.rules import belongs, is_operator, is_platform_admin, leads
from apps.core.permissions import grant
from apps.retraining.models import Incident, RetrainingRequest, SegmentRun, Signal

if TYPE_CHECKING:
    from apps.accounts.models import User


@rules.predicate
def belongs_to_family(user: User, family: object) -> bool:
    """The versions that come of it are registered in the requester's name, so they have to be of the owning team."""
    return belongs(user, getattr(family, "team_id", None))


@rules.predicate
def requested_it(user: User, target: RetrainingRequest | SegmentRun) -> bool:
    return _request(target).requester_id == user.pk


@rules.predicate
def leads_the_team(user: User, target: RetrainingRequest | SegmentRun) -> bool:
    return leads(user, _request(target).family.team_id)


@rules.predicate
def belongs_to_its_family(user: User, target: Incident | Signal) -> bool:
    return belongs(user, target.family.team_id)


def _request(target: RetrainingRequest | SegmentRun) -> RetrainingRequest:
    return target.request if isinstance(target, SegmentRun) else target


grant(
    "retraining.define_pipeline",
    is_platform_admin,
    scope="retraining:admin",
    refusal="Only a platform admin can define pipelines: they run commands.",
)
grant(
    "retraining.submit",
    belongs_to_family,
    scope="retraining:submit",
    refusal="Only members of the team that owns this family can retrain it; ask one of them.",
)
grant(
    "retraining.cancel",
    requested_it | leads_the_team | is_operator,
    scope="retraining:operate",
    refusal="Only who sent this request, a lead of the family's team or an operator can cancel it.",
)
grant(
    "retraining.retry",
    requested_it | leads_the_team | is_operator,
    scope="retraining:operate",
    refusal="Only who sent this request, a lead of the family's team or an operator can retry it.",
)
grant(
    "retraining.hold",
    requested_it | leads_the_team | is_operator,
    scope="retraining:operate",
    refusal="Only who sent this request, a lead of the family's team or an operator can hold or resume it.",
)
grant(
    "retraining.operate",
    is_operator,
    scope="retraining:operate",
    refusal="Only operators look after workers and limits; ask the platform team.",
)
grant(
    "retraining.signal",
    belongs_to_family | is_operator,
    scope="retraining:signal",
    refusal="Only members of the team that owns this family and operators can report on its data.",
)
grant(
    "retraining.close_incident",
    belongs_to_its_family | is_operator,
    scope="retraining:operate",
    refusal="Only members of the team that owns this family and operators can close this.",
)
grant(
    "retraining.set_policy",
    belongs_to_family,
    scope="retraining:submit",
    refusal="Only members of the team that owns this family can set its policies; ask one of them.",
)
