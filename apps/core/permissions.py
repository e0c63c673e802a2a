"""Who may do what: each app's `rules.py` grants, actions `require`, buttons ask `allowed`.

`rules` is asked directly: Django's own has_perm lets a superuser do everything, and here nobody may.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import rules

from apps.core.context import Boundary, current
from apps.core.errors import Denied


class Actor(Protocol):
    """Who acts: a person or a service account."""

    pk: Any
    username: str
    is_active: bool


@dataclass(frozen=True)
class Grant:
    """A permission's token scope, and the sentence that somebody without it reads."""

    scope: str | None
    refusal: str


_grants: dict[str, Grant] = {}
READ_SCOPE = "read"


def grant(permission: str, predicate: Any, *, scope: str | None, refusal: str) -> None:
    """Define a permission such as `registry.promote`; `scope` is what a token needs for it.

    None only in an app without doors, where the action that calls in has asked the token for its own scope, and where
    the action itself refuses every token.
    """
    rules.add_perm(permission, predicate)
    _grants[permission] = Grant(scope=scope, refusal=refusal)


def scopes() -> list[str]:
    """Every scope a token can have, in order."""
    return [READ_SCOPE, *sorted({grant.scope for grant in _grants.values() if grant.scope} - {READ_SCOPE})]


def allowed(actor: Actor, permission: str, target: object = None) -> bool:
    """True if both the credential in use and the rules say yes."""
    if not actor.is_active or not _credential_allows(permission, target):
        return False
    return bool(rules.has_perm(permission, actor, target))


def require(actor: Actor, permission: str, target: object = None) -> None:
    """Raise Denied, with the permission's own sentence, unless the actor may."""
    if not actor.is_active:
        raise Denied("This account is switched off; ask a platform admin.")
    if not _credential_allows(permission, target):
        if (credential := current().credential) and credential.run:
            raise Denied("This token can do only the work of its own run.")
        raise Denied(f"This token may not do that: it needs the scope {_grants[permission].scope!r} for this object.")
    if not rules.has_perm(permission, actor, target):
        raise Denied(_grants[permission].refusal)


def boundary_of(target: object) -> Boundary | None:
    """The team and family a thing belongs to, where it says so."""
    boundary = getattr(target, "boundary", None)
    return boundary if isinstance(boundary, Boundary) else None


def _credential_allows(permission: str, target: object) -> bool:
    credential, scope = current().credential, _grants[permission].scope
    if credential is None or scope is None:
        return True
    if credential.run:
        return getattr(target, "own_run", None) == credential.run
    return credential.allows(scope) and credential.covers(boundary_of(target))
