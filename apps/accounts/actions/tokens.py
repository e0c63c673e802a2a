"""Verbs of API tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.events import Event
from apps.accounts.models import ApiToken, User
from apps.audit.actions import record
from apps.core.context import RUN_SCOPE, Credential, current
from apps.core.errors import Exists, Invalid
from apps.core.permissions import READ_SCOPE, require, scopes

LONGEST_TOKEN_DAYS = 365
TRADED = "ci "  # what names of traded tokens begin with


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
    minutes: int | None = None,
    account: User | None = None,
) -> NewToken:
    """A token of the actor's own, or of a service account that they answer for; `minutes` go before `days`.

    Raises Invalid for an unknown scope or a life over a year, Exists for the name.
    """
    if account is None:
        require(actor, "accounts.create_token")
    else:
        require(actor, "accounts.keep_service", account.service_of)
    life = timedelta(minutes=minutes) if minutes is not None else timedelta(days=days)
    _check_token(account or actor, name, scopes, life)
    made = _store(
        account or actor, name, Credential(name, frozenset(scopes), frozenset(teams), frozenset(families)), life
    )
    after = {"scopes": made.row.scopes, "expiry": str(made.row.expiry), "account": made.row.user.username}
    record(actor=actor, action=Event.TOKEN_CREATED, target=made.row, after=after)
    return made


@transaction.atomic
def trade_token(*, account: User, told: str, reach: Credential, minutes: int) -> NewToken:
    """A token for a run of CI that its issuer vouched for, in place of a stored secret; those that have ended go."""
    ApiToken.objects.filter(user=account, name__startswith=TRADED, expiry__lte=timezone.now()).delete()
    name = f"{TRADED}{told[:50]} {uuid4()}"
    made = _store(account, name, reach, timedelta(minutes=minutes))
    after = {"scopes": made.row.scopes, "families": made.row.families, "for": told}
    record(actor=account, action=Event.TOKEN_TRADED, target=made.row, after=after)
    return made


def _store(user: User, name: str, reach: Credential, life: timedelta) -> NewToken:
    row, secret = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        scopes=sorted(reach.scopes),
        teams=sorted(reach.teams),
        families=sorted(reach.families),
        expiry=life,
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


def _check_token(owner: User, name: str, wanted: Sequence[str], life: timedelta) -> None:
    unknown = sorted(set(wanted) - set(scopes()))
    credential = current().credential
    if unknown:
        raise Invalid(f"There is no scope {unknown[0]!r}; choose from {', '.join(scopes())}.", field="scopes")
    if credential and not set(wanted) <= credential.scopes:
        raise Invalid("A token makes no token that may do more than itself.", field="scopes")
    if not wanted:
        raise Invalid("Choose at least one scope.", field="scopes")
    if not timedelta(minutes=1) <= life <= timedelta(days=LONGEST_TOKEN_DAYS):
        raise Invalid(f"A token lives between a minute and {LONGEST_TOKEN_DAYS} days.", field="days")
    if not name.strip():
        raise Invalid("Give the token a name, so that you know later what used it.", field="name")
    if ApiToken.objects.filter(user=owner, name=name.strip()).exists():
        raise Exists(f"There is a token named {name.strip()!r} already; revoke it first or choose another name.")


@transaction.atomic
def revoke_token(*, actor: User, token: ApiToken) -> None:
    """The token works no more; its history stays in the audit."""
    require(actor, "accounts.revoke_token", token)
    record(actor=actor, action=Event.TOKEN_REVOKED, target=token)
    token.delete()
