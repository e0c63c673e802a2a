"""Verbs of single sign-on: who comes in, with which rights, and when these rest.

Nobody is asked for a permission here: the provider has said who it is, and the mapping in the settings what they may
do. Each change is recorded, in the person's own name.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.actions.people import end_membership
from apps.accounts.events import Event
from apps.accounts.groups import LEAD, Rights, TeamRight, mapping
from apps.accounts.models import Identity, Membership, PortalRole, Team, User
from apps.audit.actions import record
from apps.core.errors import Denied
from apps.core.keyring import seal

if TYPE_CHECKING:
    from apps.accounts.vouching import Vouched

MOST_AT_ONCE = 200  # identities that one round asks about


@transaction.atomic
def admit(*, person: Vouched, refresh_token: str = "") -> User:
    """The user behind a sign-in that the provider vouches for: found, linked or made, with the rights of their groups.

    Raises Denied for an account that is switched off, and where nobody can tell which account is meant.
    """
    known = Identity.objects.filter(issuer=person.issuer, subject=person.subject).select_related("user").first()
    user = known.user if known else _link(person)
    user = User.objects.select_for_update().get(pk=user.pk)
    if not user.is_active and user.rests_since is None:
        raise Denied("Your account here is switched off. Ask a platform admin of the portal to switch it on again.")
    User.objects.filter(pk=user.pk).update(is_active=True, rests_since=None, name=person.name, email=person.email)
    now = timezone.now()
    Identity.objects.filter(user=user).update(
        sealed_refresh_token=seal(refresh_token) if refresh_token else "", confirmed_at=now, asked_at=now
    )
    give_rights(user=user, groups=person.groups)
    user.refresh_from_db()
    return user


@transaction.atomic
def confirm(*, identity: Identity, groups: frozenset[str], refresh_token: str) -> None:
    """The provider vouched again: these are the groups now."""
    sealed = seal(refresh_token) if refresh_token else identity.sealed_refresh_token
    Identity.objects.filter(pk=identity.pk).update(sealed_refresh_token=sealed, confirmed_at=timezone.now())
    give_rights(user=identity.user, groups=groups)


@transaction.atomic
def let_rest(*, identity: Identity, why: str) -> None:
    """Nobody vouches any more: sessions end, tokens stop and the groups' rights are gone, until the next sign-in."""
    user, now = identity.user, timezone.now()
    Identity.objects.filter(pk=identity.pk).update(sealed_refresh_token="")
    resting = User.objects.filter(pk=user.pk, is_active=True)
    if resting.update(is_active=False, rests_since=now, sign_outs=F("sign_outs") + 1):
        record(actor=user, action=Event.SWITCHED_OFF, target=user, note=why)
        give_rights(user=user, groups=frozenset())


def due_identities() -> list[Identity]:
    """Those to ask the provider about, or to let rest, oldest first."""
    now = timezone.now()
    asked_long_ago = Q(asked_at__lt=now - timedelta(minutes=settings.OIDC_RECHECK_MINUTES))
    here = Identity.objects.filter(issuer=settings.OIDC_ISSUER, user__is_active=True)
    due = here.filter((asked_long_ago & ~Q(sealed_refresh_token="")) | Q(confirmed_at__lt=_trusted_since()))
    return list(due.select_related("user").order_by("asked_at")[:MOST_AT_ONCE])


def claim_identity(*, identity: Identity) -> bool:
    """True for the one who asks: a refresh token works once."""
    unasked = Identity.objects.filter(pk=identity.pk, asked_at=identity.asked_at)
    return unasked.update(asked_at=timezone.now()) == 1


def outlived(*, identity: Identity) -> bool:
    """True if nobody has vouched for so long that it is believed no more."""
    return identity.confirmed_at < _trusted_since()


@transaction.atomic
def give_rights(*, user: User, groups: frozenset[str]) -> None:
    """Exactly what the groups give, of all that the mapping decides; what it does not name stays as it is."""
    User.objects.select_for_update().get(pk=user.pk)
    known = mapping()
    given, decided = known.of(groups), known.all
    _set_teams(user, given, decided)
    _set_roles(user, given, decided)


def _set_teams(user: User, given: Rights, decided: Rights) -> None:
    held = {one.team.slug: one for one in user.memberships.select_related("team").filter(team__slug__in=decided.teams)}
    for slug in held.keys() - given.teams.keys():
        end_membership(actor=user, membership=held[slug], note=_by_provider())
    for slug, right in given.teams.items():
        if slug not in held or held[slug].role != right.role:
            _join(user, right)


def _join(user: User, right: TeamRight) -> None:
    team = Team.objects.filter(slug=right.team).first() or _found(user, right)
    role = Membership.Role.LEAD if right.role == LEAD else Membership.Role.MEMBER
    membership, _ = Membership.objects.update_or_create(user=user, team=team, defaults={"role": role})
    User.objects.filter(pk=user.pk, default_team=None).update(default_team=team)
    record(actor=user, action=Event.MEMBER_ADDED, target=membership, after={"role": role}, note=_by_provider())


def _found(user: User, right: TeamRight) -> Team:
    name = right.name or right.team.replace("-", " ").capitalize()
    team, new = Team.objects.get_or_create(slug=right.team, defaults={"name": name, "kind": right.kind})
    if new:
        record(actor=user, action=Event.TEAM_CREATED, target=team, after={"kind": right.kind}, note=_by_provider())
    return team


def _set_roles(user: User, given: Rights, decided: Rights) -> None:
    held = {one.role: one for one in user.portal_roles.filter(role__in=decided.roles)}
    for role in held.keys() - given.roles:
        record(actor=user, action=Event.ROLE_TAKEN, target=held[role], note=_by_provider())
        held[role].delete()
    for role in sorted(given.roles - held.keys()):
        made = PortalRole.objects.create(user=user, role=role)
        record(actor=user, action=Event.ROLE_GIVEN, target=made, note=_by_provider())


def _link(person: Vouched) -> User:
    """The account with this verified address if there is just one and nobody else signs in to it, or a new one."""
    same = list(User.objects.filter(email__iexact=person.email, service_of=None).select_related("identity")[:2])
    if len(same) > 1:
        raise Denied(
            f"Two accounts here have the e-mail address {person.email}, so nobody can tell which is yours. Ask a "
            "platform admin to correct one of them, then sign in again."
        )
    if same and hasattr(same[0], "identity"):
        raise Denied(
            f"The account with the e-mail address {person.email} belongs to another sign-in at {settings.OIDC_NAME}. "
            "If that was you, ask a platform admin to put it right; else ask for an address of your own."
        )
    user = same[0] if same else _make(person)
    now = timezone.now()
    identity = Identity.objects.create(
        user=user, issuer=person.issuer, subject=person.subject, confirmed_at=now, asked_at=now
    )
    record(actor=user, action=Event.IDENTITY_LINKED, target=identity)
    return user


def _make(person: Vouched) -> User:
    """Named as the provider does, or by the address where that name is taken."""
    taken = {name for name in (person.username, person.email) if User.objects.filter(username__iexact=name).exists()}
    free = [name for name in (person.username, person.email[:150]) if name not in taken]
    if not free:
        raise Denied(
            f"Somebody else here is called {person.username} already. Ask a platform admin to rename that account, "
            "then sign in again."
        )
    user = User.objects.create_user(free[0], name=person.name, email=person.email)
    record(actor=user, action=Event.USER_CREATED, target=user, note=_by_provider())
    return user


def _trusted_since() -> datetime:
    return timezone.now() - timedelta(hours=settings.OIDC_GRACE_HOURS)


def _by_provider() -> str:
    return f"By the groups of {settings.OIDC_NAME}."


def break_glass(*, user: User, reason: str) -> None:
    """Somebody with a shell on the server signs in as an admin, because nothing else works; told to everybody."""
    record(actor=user, action=Event.BROKE_GLASS, target=user, note=reason)
