"""Who may do what with families, versions and promotions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from apps.accounts.queries import default_team
from apps.accounts.rules import belongs, is_operator, is_platform_admin, leads
from apps.core.permissions import READ_SCOPE, grant
from apps.registry.models import ModelFamily, RegisteredModel, Rollback, Wave

if TYPE_CHECKING:
    from apps.accounts.models import User


@rules.predicate
def belongs_to_owner(user: User, target: ModelFamily | RegisteredModel) -> bool:
    """Member of the team that owns the family, or the model that stands alone."""
    family = target.family if isinstance(target, RegisteredModel) else target
    return belongs(user, family.team_id if family else target.team_id)


@rules.predicate
def has_team(user: User) -> bool:
    return default_team(user) is not None


@rules.predicate
def leads_owner(user: User, family: ModelFamily) -> bool:
    return leads(user, family.team_id)


@rules.predicate
def approves_family(user: User, family: ModelFamily) -> bool:
    """A lead of the owner team, or named as an approver of the family; an approval is a person's act."""
    return not user.is_service and (leads(user, family.team_id) or user in family.approvers.all())


@rules.predicate
def approves(user: User, wave: Wave) -> bool:
    return approves_family(user, wave.family)


@rules.predicate
def carries(user: User, wave: Wave) -> bool:
    """Belongs to the owner team, or approves: who may go on with what was approved."""
    return belongs(user, wave.family.team_id) or approves_family(user, wave.family)


@rules.predicate
def is_on_call(user: User, family: ModelFamily) -> bool:
    """Going back is a person's act, too: a service account has no judgement at three in the morning."""
    return not user.is_service and user in family.on_call.all()


@rules.predicate
def reviews(user: User, rollback: Rollback) -> bool:
    """Somebody else who belongs to the owner team or approves."""
    other = rollback.by_id != user.pk and not user.is_service
    return other and (belongs(user, rollback.family.team_id) or approves_family(user, rollback.family))


@rules.predicate
def proposed(user: User, wave: Wave) -> bool:
    return wave.proposer_id == user.pk


@rules.predicate
def leads_owner_of_wave(user: User, wave: Wave) -> bool:
    return leads(user, wave.family.team_id)


WRITE, APPROVE = "registry:write", "registry:approve"

grant(
    "registry.create_family",
    is_platform_admin,
    scope=WRITE,
    refusal="Only a platform admin can create a model family; ask one for it.",
)
grant(
    "registry.edit_family",
    leads_owner,
    scope=WRITE,
    refusal="Only a lead of the team that owns this family can change it; ask one of them.",
)
grant(
    "registry.hand_over",
    leads_owner | is_platform_admin,
    scope=WRITE,
    refusal="Only a lead of the team that owns this family, or a platform admin, can give it to another team.",
)
grant(
    "registry.add_segments",
    leads_owner | is_platform_admin,
    scope=WRITE,
    refusal="Only a lead of the team that owns this family, or a platform admin, can add segments to it.",
)
grant(
    "registry.create_model",
    has_team,
    scope=WRITE,
    refusal="A model belongs to its creator's team, and you are in none; ask a platform admin to add you to one.",
)
grant(
    "registry.register",
    belongs_to_owner,
    scope=WRITE,
    refusal="Only members of the team that owns this family or model can register versions and change what it says.",
)
grant(
    "registry.evaluate",
    belongs_to_owner,
    scope=WRITE,
    refusal="Only members of the team that owns this family can have its versions evaluated.",
)
grant(
    "registry.propose",
    belongs_to_owner,
    scope=WRITE,
    refusal="Only members of the team that owns this family can propose a promotion; ask one of them.",
)
grant(
    "registry.approve",
    approves,
    scope=APPROVE,
    refusal="Only a lead of the team that owns this family, or one of its approvers, can decide this.",
)
grant(
    "registry.withdraw",
    proposed | leads_owner_of_wave,
    scope=WRITE,
    refusal="Only who proposed this, or a lead of the owner team, can withdraw it.",
)
grant(
    "registry.roll_back",
    approves_family | is_on_call,
    scope=WRITE,
    refusal="Only an approver of this family, or who is on call for it, can roll back; call one of them.",
)
grant(
    "registry.review_rollback",
    reviews,
    scope=APPROVE,
    refusal="Only somebody else of the team that owns this family can review this rollback.",
)
grant(
    "registry.advance",
    carries,
    scope=WRITE,
    refusal="Only members of the team that owns this family, or its approvers, can go on with this.",
)
grant(
    "registry.report_serving",
    rules.always_allow,
    scope=READ_SCOPE,
    refusal="Only who may see this version can say that it is served.",
)
grant(
    "registry.set_alias",
    belongs_to_owner,
    scope=WRITE,
    refusal="Only members of the team that owns this model can change its aliases.",
)
grant(
    "registry.import_alias",
    approves_family,
    scope=APPROVE,
    refusal="Only an approver of this family can bring a protected alias over from another registry; ask one of them.",
)
grant(
    "registry.freeze",
    approves_family | is_on_call,
    scope=WRITE,
    refusal="Only an approver of this family, or who is on call for it, can freeze it and lift that.",
)
grant(
    "registry.freeze_all",
    is_platform_admin | is_operator,
    scope=WRITE,
    refusal="Only a platform admin or an operator can freeze all families and lift that.",
)
