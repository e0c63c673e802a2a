"""Verbs of accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.events import Event
from apps.accounts.models import ApiToken, Membership, PortalRole, Team, User
from apps.audit.actions import record
from apps.core.context import RUN_SCOPE
from apps.core.errors import Conflict, Exists, Invalid
from apps.core.permissions import READ_SCOPE, require, scopes

LONGEST_TOKEN_DAYS = 365


@dataclass(frozen=True)
class NewToken:
    """A token row with its secret, which nobody can read again."""

    row: ApiToken
    secret: str


@transaction.atomic
def create_token(
    *,
    actor: User,
    name: str,
    scopes: Sequence[str] = (READ_SCOPE,),
    teams: Sequence[str] = (),
    families: Sequence[str] = (),
    days: int = settings.API_TOKEN_DAYS,
) -> NewToken:
    """A token of the actor's own. Raises Invalid for an unknown scope or a life over a year, Exists for the name."""
    require(actor, "accounts.create_token")
    _check_token(actor, name, scopes, days)
    row, secret = ApiToken.objects.create(
        user=actor,
        name=name.strip(),
        scopes=list(scopes),
        teams=list(teams),
        families=list(families),
        expiry=timedelta(days=days),
    )
    record(
        actor=actor,
        action=Event.TOKEN_CREATED,
        target=row,
        after={"scopes": row.scopes, "expiry": str(row.expiry)},
    )
    return NewToken(row=row, secret=secret)


@transaction.atomic
def create_run_token(*, actor: User, run: str, seconds: float) -> str:
    """The secret of a token that can do the work of that one run, for at most so long. Its run's rows tell of it."""
    require(actor, "accounts.create_run_token")
    scope = f"{RUN_SCOPE}{run}"
    _, secret = ApiToken.objects.create(
        user=actor, name=f"{scope}:{token_hex(8)}", scopes=[scope], expiry=timedelta(seconds=seconds)
    )
    return str(secret)


def end_run_token(*, run: str) -> None:
    """The run is over, and its tokens with it."""
    ApiToken.objects.filter(scopes=[f"{RUN_SCOPE}{run}"]).delete()


def _check_token(actor: User, name: str, wanted: Sequence[str], days: int) -> None:
    unknown = sorted(set(wanted) - set(scopes()))
    if unknown:
        raise Invalid(f"There is no scope {unknown[0]!r}; choose from {', '.join(scopes())}.", field="scopes")
    if not wanted:
        raise Invalid("Choose at least one scope.", field="scopes")
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise Invalid(f"A token lives between 1 and {LONGEST_TOKEN_DAYS} days.", field="days")
    if not name.strip():
        raise Invalid("Give the token a name, so that you know later what used it.", field="name")
    if ApiToken.objects.filter(user=actor, name=name.strip()).exists():
        raise Exists(f"You already have a token named {name.strip()!r}; revoke it first or choose another name.")


@transaction.atomic
def revoke_token(*, actor: User, token: ApiToken) -> None:
    """The token works no more; its history stays in the audit."""
    require(actor, "accounts.revoke_token", token)
    record(actor=actor, action=Event.TOKEN_REVOKED, target=token)
    token.delete()


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


def _check_password(password: str | None) -> None:
    """Raises Invalid for one that is easy to guess; None is no password at all."""
    try:
        if password is not None:
            validate_password(password)
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
def give_role(*, actor: User, user: User, role: str) -> PortalRole:
    """Gives a portal-wide role; giving it twice changes nothing."""
    require(actor, "accounts.administer")
    given, new = PortalRole.objects.get_or_create(user=user, role=role)
    if new:
        record(actor=actor, action=Event.ROLE_GIVEN, target=given)
    return given


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
