"""Who may do what with accounts, and the predicates about people that other apps build on."""

import rules
from django.conf import settings
from django.db.models import Model

from apps.accounts.models import ApiToken, Membership, PortalRole, Team, User
from apps.core.permissions import grant


# Memberships and roles are looked through rather than filtered: a page that has prefetched them asks no more.
def leads(user: User, team_id: int | None) -> bool:
    """True if the user is a lead of that team."""
    return team_id is not None and any(
        one.team_id == team_id and one.role == Membership.Role.LEAD for one in user.memberships.all()
    )


def belongs(user: User, team_id: int | None) -> bool:
    """True for a member or lead of that team, and for its service accounts."""
    if team_id is None:
        return False
    return user.service_of_id == team_id or any(one.team_id == team_id for one in user.memberships.all())


def has_role(user: User, role: PortalRole.Role) -> bool:
    return any(one.role == role for one in user.portal_roles.all())


@rules.predicate
def is_active(user: User) -> bool:
    return user.is_active


@rules.predicate
def is_operator(user: User) -> bool:
    """Member of a team of kind platform: workers, queues, cancel and retry of anything; no promotion."""
    return any(one.team.kind == Team.Kind.PLATFORM for one in user.memberships.all())


@rules.predicate
def serves_platform_team(user: User) -> bool:
    """The service account of a platform team, such as its Airflow's; it is no operator."""
    return user.service_of is not None and user.service_of.kind == Team.Kind.PLATFORM


@rules.predicate
def is_platform_admin(user: User) -> bool:
    return has_role(user, PortalRole.Role.PLATFORM_ADMIN)


@rules.predicate
def is_catalog_editor(user: User) -> bool:
    return has_role(user, PortalRole.Role.CATALOG_EDITOR)


@rules.predicate
def is_board(user: User) -> bool:
    return has_role(user, PortalRole.Role.BOARD)


@rules.predicate
def is_member_of_owner(user: User, target: Model) -> bool:
    """The user belongs to the team that `target.team_id` names."""
    return belongs(user, getattr(target, "team_id", None))


@rules.predicate
def leads_owner(user: User, target: Model) -> bool:
    return leads(user, getattr(target, "team_id", None))


@rules.predicate
def leads_team(user: User, team: Team | None) -> bool:
    return team is not None and leads(user, team.pk)


@rules.predicate
def signs_in_with_password(user: User) -> bool:
    return settings.LOCAL_PASSWORDS and not user.is_service and user.has_usable_password()


@rules.predicate
def owns_token(user: User, token: ApiToken) -> bool:
    return token is not None and token.user_id == user.pk


@rules.predicate
def answers_for_token(user: User, token: ApiToken) -> bool:
    """Leads the team whose service account holds it."""
    return token is not None and leads(user, token.user.service_of_id)


grant(
    "accounts.create_token",
    is_active,
    scope="accounts:write",
    refusal="Only an active account can make a token.",
)
grant(
    "accounts.create_run_token",
    is_active,
    scope=None,
    refusal="Only an active account can have a run.",
)
grant(
    "accounts.change_password",
    signs_in_with_password,
    scope=None,  # no token may; the action says so
    refusal="You have no password here: it is changed where you sign in.",
)
grant(
    "accounts.revoke_token",
    owns_token | answers_for_token | is_platform_admin,
    scope="accounts:write",
    refusal="Only its owner, or a lead of the team whose service account holds it, can revoke a token.",
)
grant(
    "accounts.keep_service",
    leads_team | is_platform_admin,
    scope="accounts:write",
    refusal="Only a lead of the team, or a platform admin, can make service accounts and tokens for them.",
)
grant(
    "accounts.administer",
    is_platform_admin,
    scope="accounts:admin",
    refusal="Only a platform admin can change people, teams and roles.",
)
