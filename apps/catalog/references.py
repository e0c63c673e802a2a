"""What a form or a body names (a username, slugs, a label) as the things themselves.

A name that nobody has is a wrong field, not a wrong address: each function raises Invalid for `field`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from apps.accounts import queries as accounts
from apps.catalog import queries
from apps.core.errors import Invalid, Missing

if TYPE_CHECKING:
    from apps.accounts.models import User

Found = TypeVar("Found")


def resolved(actor: User, sent: dict[str, Any]) -> dict[str, Any]:
    """The same values with names replaced by what they name; an empty name is None."""
    look: dict[str, Callable[[Any], Any]] = {
        "owner": lambda name: accounts.user(username=name),
        "team": lambda slug: accounts.team(slug=slug),
        "instead": lambda slug: queries.tool(actor=actor, slug=slug),
        "tool": lambda slug: queries.tool(actor=actor, slug=slug),
        "capability": lambda slug: queries.capability(actor=actor, slug=slug),
        "better": lambda slug: queries.tool(actor=actor, slug=slug),
        "trigger_tool": lambda slug: queries.tool(actor=actor, slug=slug),
        "moves_from": lambda slug: queries.tool(actor=actor, slug=slug),
        "trigger_gap": lambda pk: queries.gap(actor=actor, pk=pk),
        "gap": lambda pk: queries.gap(actor=actor, pk=pk),
        "duplicate_of": lambda pk: queries.request(actor=actor, pk=pk),
        "renews": lambda label: queries.decision(actor=actor, label=label),
        "by": lambda label: queries.decision(actor=actor, label=label),
        "decision": lambda label: queries.decision(actor=actor, label=label),
    }
    many = {"experts": look["owner"], "hurts": look["team"]}
    found = {name: _named(look[name], value, name) if name in look else value for name, value in sent.items()}
    for name in many.keys() & sent.keys():
        found[name] = [_named(many[name], value, name) for value in sent[name]]
    return found


def _named(find: Callable[[Any], Found], name: Any, field: str) -> Found | None:
    if not name:
        return None
    try:
        return find(name)
    except Missing as error:
        raise Invalid(error.message, field=field) from error
