"""Reads of people, teams and tokens."""

from collections.abc import Collection

from django.db.models import Count, Max, Prefetch, Q, QuerySet, prefetch_related_objects
from django.db.models.functions import Now

from apps.accounts.models import ApiToken, Membership, PortalRole, Team, User
from apps.core.context import RUN_SCOPE
from apps.core.errors import Missing
from apps.core.permissions import allowed


def user(*, username: str) -> User:
    """The active user of that name. Raises Missing."""
    found = User.objects.filter(username__iexact=username, is_active=True).first()
    if found is None:
        raise Missing(f"There is no user {username!r} here.")
    return found


def users() -> QuerySet[User]:
    """Everybody who can act here, by user name."""
    return User.objects.filter(is_active=True).prefetch_related("teams").order_by("username")


def members(team: Team) -> QuerySet[Membership]:
    return team.memberships.select_related("user").order_by("user__username")


def teams() -> QuerySet[Team]:
    return Team.objects.order_by("name")


def teams_named(slugs: Collection[str]) -> QuerySet[Team]:
    return Team.objects.filter(slug__in=slugs)


def team(*, slug: str) -> Team:
    """Raises Missing."""
    found = Team.objects.filter(slug=slug).first()
    if found is None:
        raise Missing(f"There is no team {slug!r} here.")
    return found


def leads_of(team: Team) -> QuerySet[User]:
    """The active leads of a team: who approves for it by default."""
    return User.objects.filter(is_active=True, memberships__team=team, memberships__role=Membership.Role.LEAD)


def with_role(role: str) -> QuerySet[User]:
    """Active people who hold a portal-wide role."""
    return User.objects.filter(is_active=True, portal_roles__role=role).order_by("username")


def know_teams(user: User) -> None:
    """Loads the memberships, with their teams, unless they are."""
    prefetch_related_objects([user], Prefetch("memberships", Membership.objects.select_related("team")))


def team_ids_of(user: User) -> list[int]:
    """Teams the user belongs to, a service account's own included."""
    ids = [membership.team_id for membership in user.memberships.all()]
    return [*ids, user.service_of_id] if user.service_of_id else ids


def teams_of(user: User) -> QuerySet[Team]:
    """The same as part of another query."""
    return Team.objects.filter(Q(pk__in=user.memberships.values("team")) | Q(pk=user.service_of_id)).order_by()


def default_team(user: User) -> Team | None:
    """The team that what this user makes belongs to: their default, a service account's own, or the first by name."""
    chosen = user.default_team or user.service_of
    return chosen or Team.objects.filter(members=user).order_by("name").first()


def people_behind(account: User) -> set[User]:
    """Whose act it is what this account does: the person's own; a service account belongs to all of its team."""
    return {account, *account.service_of.members.all()} if account.service_of else {account}


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Those that the user has made; tokens of single runs come and go by themselves."""
    return ApiToken.objects.filter(user=user).exclude(name__startswith=RUN_SCOPE).order_by("-created")


def live_tokens_of(user: User) -> QuerySet[ApiToken]:
    return tokens_of(user).filter(expiry__gt=Now())


def kept_by(actor: User) -> QuerySet[Team]:
    """Teams whose service accounts the actor keeps, with how many there are of them (`accounts`)."""
    kept = teams() if allowed(actor, "accounts.keep_service") else teams().filter(pk__in=_led_by(actor))
    return kept.annotate(accounts=Count("service_accounts", filter=Q(service_accounts__is_active=True)))


def _led_by(user: User) -> QuerySet[Membership, int]:
    return user.memberships.filter(role=Membership.Role.LEAD).values_list("team_id", flat=True)


def service_accounts(team: Team) -> QuerySet[User]:
    """The team's, those that are switched off left out, with how many tokens work (`live_tokens`) and the last use."""
    live = Q(auth_token_set__expiry__gt=Now()) & ~Q(auth_token_set__name__startswith=RUN_SCOPE)
    counted = {
        "live_tokens": Count("auth_token_set", filter=live),
        "last_used_at": Max("auth_token_set__last_used_at"),
    }
    return User.objects.filter(service_of=team, is_active=True).annotate(**counted).order_by("username")


def service_account(*, team: Team, username: str) -> User:
    """Raises Missing."""
    found = service_accounts(team).filter(username__iexact=username).first()
    if found is None:
        raise Missing(f"{team} has no service account {username!r}.")
    return found


def service_tokens(team: Team) -> QuerySet[ApiToken]:
    """Those of the team's service accounts that work, newest first."""
    live = ApiToken.objects.filter(user__service_of=team, expiry__gt=Now()).exclude(name__startswith=RUN_SCOPE)
    return live.select_related("user").order_by("-created")


def board() -> QuerySet[User]:
    """The active members of the board, who decide about tools."""
    return User.objects.filter(is_active=True, portal_roles__role=PortalRole.Role.BOARD).order_by("username")
