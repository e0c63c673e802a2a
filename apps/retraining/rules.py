"""Who may do what with retraining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import rules

from apps.accounts.queries import team_ids_of, teams
from apps.accounts.rules import belongs, is_active, is_operator, is_platform_admin, leads
from apps.approvals.rules import is_approver, is_author
from apps.core.permissions import grant
from apps.retraining.models import Incident, Pipeline, RetrainingRequest, SegmentRun, Signal

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.core.context import Boundary
    from apps.registry.models import ModelFamily


@dataclass(frozen=True)
class Use:
    """A pipeline for a family, as somebody asks for it."""

    pipeline: Pipeline
    family: ModelFamily

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary


@rules.predicate
def belongs_to_family(user: User, family: object) -> bool:
    """The versions that come of it are registered in the requester's name, so they have to be of the owning team."""
    return belongs(user, getattr(family, "team_id", None))


@rules.predicate
def is_of_its_requesters(user: User, use: Use) -> bool:
    """Of one of the teams that the pipeline names, where it names any."""
    named = use.pipeline.requesters
    return not named or teams().filter(pk__in=team_ids_of(user), slug__in=named).exists()


@rules.predicate
def is_of_its_family(user: User, use: Use) -> bool:
    return belongs(user, use.family.team_id)


may_request = is_active & is_of_its_family & is_of_its_requesters


@rules.predicate
def is_asked(user: User, request: RetrainingRequest) -> bool:
    """One of those whose yes it needs, and never who asked for it."""
    approval = request.approval
    return approval is not None and is_approver(user, approval) and not is_author(user, approval)


@rules.predicate
def requested_it(user: User, target: RetrainingRequest | SegmentRun) -> bool:
    return _request(target).requester_id == user.pk


@rules.predicate
def leads_the_team(user: User, target: RetrainingRequest | SegmentRun) -> bool:
    return leads(user, _request(target).family.team_id)


@rules.predicate
def belongs_to_its_family(user: User, target: Incident | Signal) -> bool:
    return belongs(user, target.family.team_id)


@rules.predicate
def belongs_to_runs_family(user: User, run: SegmentRun) -> bool:
    return belongs(user, run.request.family.team_id)


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
    "retraining.use",
    may_request,
    scope="retraining:submit",
    refusal="This pipeline says which teams may request it: only their members can, if the family is theirs too.",
)
grant(
    "retraining.approve",
    is_asked,
    scope="retraining:approve",
    refusal="Only approvers of the family can answer this, and never who sent it; the request's page names them.",
)
grant(
    "retraining.withdraw",
    requested_it | leads_the_team,
    scope="retraining:submit",
    refusal="Only who sent this request or a lead of the family's team can withdraw it.",
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
    "retraining.log_run",
    belongs_to_runs_family | is_operator,
    scope="retraining:log",
    refusal="Only accounts of the team that owns the family, and operators', log for a run that a platform has.",
)
grant(
    "retraining.signal",
    belongs_to_family | is_operator | is_platform_admin,
    scope="retraining:signal",
    refusal="Only members of the team that owns this family and those who run the platform can report on its data.",
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
