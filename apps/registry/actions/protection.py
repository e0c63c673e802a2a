"""Which aliases of a family are protected, in their order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.errors import Conflict, Invalid
from apps.registry.models import ModelFamily, ProtectedAlias, Wave
from apps.registry.models.family import CHAMPION

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
MOST_ALIASES = 10
MOST_APPROVALS = 5
FIELD = "protected_aliases"


@dataclass(frozen=True)
class AliasSpec:
    """A protected alias as it is named when a family is edited; without a number the family's own counts."""

    name: str
    approvals_needed: int | None = None


def set_protected_aliases(*, family: ModelFamily, aliases: Sequence[AliasSpec]) -> None:
    """Replaces the order; the caller has asked and records. Raises Invalid, Conflict while a wave is open for one."""
    check_aliases(aliases=aliases)
    dropped = set(family.alias_names) - {alias.name for alias in aliases}
    for wave in Wave.objects.filter(family=family, alias__in=dropped, status__in=Wave.OPEN)[:1]:
        raise Conflict(f"{wave} is still open; withdraw it before {wave.alias!r} is protected no more.")
    family.protected_aliases.all().delete()
    ProtectedAlias.objects.bulk_create(
        ProtectedAlias(family=family, name=alias.name, position=n, approvals_needed=alias.approvals_needed)
        for n, alias in enumerate(aliases)
    )
    getattr(family, "_prefetched_objects_cache", {}).pop("protected_aliases", None)


def check_aliases(*, aliases: Sequence[AliasSpec]) -> None:
    """Raises Invalid: the champion is always among them, and each name is there once."""
    names = [alias.name for alias in aliases]
    if CHAMPION not in names:
        raise Invalid(f"The alias {CHAMPION!r} is always protected: what serves moves by promotion.", field=FIELD)
    if len(set(names)) < len(names) or len(names) > MOST_ALIASES:
        raise Invalid(f"Name each alias once, and at most {MOST_ALIASES} of them.", field=FIELD)
    for alias in aliases:
        _check_alias(alias)


def _check_alias(alias: AliasSpec) -> None:
    if not NAME.fullmatch(alias.name) or alias.name == "latest" or re.fullmatch(r"v\d+", alias.name):
        sentence = f"{alias.name!r} is no alias: use lower-case letters, digits, - and _, and nothing like v7."
        raise Invalid(sentence, field=FIELD)
    if alias.approvals_needed is not None and not 0 <= alias.approvals_needed <= MOST_APPROVALS:
        raise Invalid(f"Between 0 and {MOST_APPROVALS} people approve one promotion.", field=FIELD)


def check_alias_name(*, family: ModelFamily, alias: str) -> None:
    """An alias that only looks like a protected one would mislead whoever serves it. Raises Invalid."""
    for name in family.alias_names:
        if alias != name and alias.casefold() == name:
            raise Invalid(f"{alias!r} is too much like the protected {name!r}; choose another name.", field="alias")
