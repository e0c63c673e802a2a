"""Verbs of people, teams and portal-wide roles."""

import re

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.events import Event
from apps.accounts.models import Membership, PortalRole, Team, User
from apps.audit.actions import record
from apps.core.context import current
from apps.core.errors import Conflict, Denied, Exists, Invalid, Missing
from apps.core.permissions import require

USERNAME = re.compile(r"[\w.@+-]{1,150}")


@transaction.atomic
def create_team(*, actor: User, slug: str, name: str, kind: str = Team.Kind.PRODUCT) -> Team:
    """Raises Exists for a slug that is taken."""
    require(actor, "accounts.administer")
    if Team.objects.filter(slug=slug).exists():
        raise Exists(f"There is already a team {slug!r}.")
    team = Team.objects.create(slug=slug, name=name, kind=kind)
    record(actor=actor, action=Event.TEAM_CREATED, target=team, after={"kind": kind})
    return team


@transaction.atomic
def create_user(*, actor: User, username: str, name: str, email: str = "", password: str | None = None) -> User:
    """A person; without a password they can sign in only by single sign-on. Raises Exists."""
    require(actor, "accounts.administer")
    if User.objects.filter(username__iexact=username).exists():
        raise Exists(f"There is already a user {username!r}.")
    _check_password(password)
    user = User.objects.create_user(username, password=password, name=name, email=email)
    record(actor=actor, action=Event.USER_CREATED, target=user)
    return user


@transaction.atomic
def change_password(*, actor: User, password: str) -> None:
    """Another password of one's own, for who has just shown the current one. Sessions end, and whoever keeps the one in
    use renews it; tokens stay. Raises Invalid for a password that is easy to guess, Denied for a token.
    """
    require(actor, "accounts.change_password")
    if current().credential:
        raise Denied("A token changes no password. Sign in, and change it on your profile page.")
    _check_password(password, actor)
    actor.set_password(password)
    actor.save(update_fields=["password"])
    record(actor=actor, action=Event.PASSWORD_CHANGED, target=actor)


def _check_password(password: str | None, user: User | None = None) -> None:
    """Raises Invalid for one that is easy to guess; None is no password at all."""
    try:
        if password is not None:
            validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from error


@transaction.atomic
def add_member(*, actor: User, team: Team, user: User, role: str = Membership.Role.MEMBER) -> Membership:
    """Puts the user into the team, or changes their role in it."""
    require(actor, "accounts.administer")
    membership, _ = Membership.objects.update_or_create(user=user, team=team, defaults={"role": role})
    if user.default_team_id is None:
        User.objects.filter(pk=user.pk, default_team=None).update(default_team=team)
    record(actor=actor, action=Event.MEMBER_ADDED, target=membership, after={"role": role})
    return membership


@transaction.atomic
def remove_member(*, actor: User, team: Team, user: User) -> None:
    """Takes the user out of the team; what they made there stays the team's. Raises Missing for who is not in it."""
    require(actor, "accounts.administer")
    membership = Membership.objects.filter(user=user, team=team).first()
    if membership is None:
        raise Missing(f"{user} is not in {team}.")
    end_membership(actor=actor, membership=membership)


def end_membership(*, actor: User, membership: Membership, note: str = "") -> None:
    """The last step of leaving a team: what a person makes from now on does not belong to it."""
    record(actor=actor, action=Event.MEMBER_REMOVED, target=membership, before={"role": membership.role}, note=note)
    User.objects.filter(pk=membership.user_id, default_team=membership.team_id).update(default_team=None)
    membership.delete()


@transaction.atomic
def switch_off(*, actor: User, user: User) -> None:
    """Sessions and tokens of the account work no more, from now on. Raises Conflict for one's own account."""
    require(actor, "accounts.administer")
    if user == actor:
        raise Conflict("Ask another platform admin to switch your own account off: somebody has to stay.")
    if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False, rests_since=None):
        record(actor=actor, action=Event.SWITCHED_OFF, target=user)


@transaction.atomic
def switch_on(*, actor: User, user: User) -> None:
    """The account works again, with the tokens that it had."""
    require(actor, "accounts.administer")
    if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True, rests_since=None):
        record(actor=actor, action=Event.SWITCHED_ON, target=user)


@transaction.atomic
def create_service_account(*, actor: User, team: Team, username: str, name: str = "") -> User:
    """A user without a password that belongs to the team and stays when people go. Raises Exists, Invalid."""
    require(actor, "accounts.keep_service", team)
    if not USERNAME.fullmatch(username):
        raise Invalid("A name has letters, digits and @ . + - _ only, at most 150.", field="username")
    if User.objects.filter(username__iexact=username).exists():
        raise Exists(f"There is already a user {username!r}.")
    account = User.objects.create_user(username, name=name or username, service_of=team, default_team=team)
    record(actor=actor, action=Event.SERVICE_ACCOUNT_CREATED, target=account, after={"team": team.slug})
    return account


@transaction.atomic
def give_role(*, actor: User, user: User, role: str) -> PortalRole:
    """Gives a portal-wide role; giving it twice changes nothing."""
    require(actor, "accounts.administer")
    given, new = PortalRole.objects.get_or_create(user=user, role=role)
    if new:
        record(actor=actor, action=Event.ROLE_GIVEN, target=given)
    return given


@transaction.atomic
def take_role(*, actor: User, user: User, role: str) -> None:
    """Takes a portal-wide role back. Raises Missing for who has not got it, Conflict for the last platform admin."""
    require(actor, "accounts.administer")
    given = PortalRole.objects.filter(user=user, role=role).first()
    if given is None:
        raise Missing(f"{user} does not have the role {role}.")
    if role == PortalRole.Role.PLATFORM_ADMIN and user == actor:
        raise Conflict("Ask another platform admin to take this role from you: somebody has to stay.")
    record(actor=actor, action=Event.ROLE_TAKEN, target=given)
    given.delete()


@transaction.atomic
def found_portal(*, username: str, name: str, password: str | None = None) -> User:
    """The very first platform admin, who acts for themselves; refused as soon as there is one."""
    if PortalRole.objects.filter(role=PortalRole.Role.PLATFORM_ADMIN).exists():
        raise Conflict("There is a platform admin already; ask one of them.")
    _check_password(password)
    admin = User.objects.create_user(username, password=password, name=name)
    given = PortalRole.objects.create(user=admin, role=PortalRole.Role.PLATFORM_ADMIN)
    record(actor=admin, action=Event.ROLE_GIVEN, target=given)
    return admin
