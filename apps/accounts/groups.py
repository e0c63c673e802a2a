"""Which rights a group of the company's directory gives: a mapping in the settings, as YAML or JSON.

    rides-eta-leads: {team: rides-eta, role: lead}
    ml-platform:     {team: ml-platform, kind: platform, name: ML Platform}
    tool-board:      {portal: board}
    data-science:    [{team: rides-eta}, {team: delivery}]

What the mapping names is decided by the directory alone; other teams and roles are given in the portal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

TEAM_WORDS = {"team", "role", "kind", "name"}
LEAD = "lead"
PORTAL_ROLES = {"catalog_editor", "board", "platform_admin"}


@dataclass(frozen=True)
class TeamRight:
    """A place in a team, which is founded at the first sign-in of somebody who has it."""

    team: str
    role: str = "member"
    kind: str = "product"
    name: str = ""


@dataclass(frozen=True)
class Rights:
    """Places in teams, by team, and portal-wide roles."""

    teams: Mapping[str, TeamRight] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Groups:
    """The whole mapping."""

    rights: Mapping[str, tuple[TeamRight | str, ...]]

    def of(self, groups: Iterable[str]) -> Rights:
        """What these groups give together; of two roles in one team the higher."""
        given = [right for group in groups for right in self.rights.get(group, ())]
        teams: dict[str, TeamRight] = {}
        for right in given:
            if isinstance(right, TeamRight) and (right.team not in teams or right.role == LEAD):
                teams[right.team] = right
        return Rights(teams, frozenset(right for right in given if isinstance(right, str)))

    @property
    def all(self) -> Rights:
        """Everything that the directory decides."""
        return self.of(self.rights)


def mapping() -> Groups:
    """The mapping of the settings. Raises ImproperlyConfigured with a sentence."""
    return read(_text())


def _text() -> str:
    if not settings.OIDC_GROUPS_FILE:
        return str(settings.OIDC_GROUPS)
    try:
        return Path(settings.OIDC_GROUPS_FILE).read_text()
    except OSError as error:
        raise ImproperlyConfigured(f"OIDC_GROUPS_FILE can not be read: {error}.") from error


@lru_cache(maxsize=4)
def read(text: str) -> Groups:
    try:
        said = yaml.safe_load(text) if text.strip() else {}
    except yaml.YAMLError as error:
        raise ImproperlyConfigured(f"The mapping of groups is neither YAML nor JSON: {error}") from error
    if not isinstance(said, dict):
        raise ImproperlyConfigured("The mapping of groups has to be group: rights, line by line.")
    return Groups({str(group): tuple(_rights(str(group), rights)) for group, rights in said.items()})


def _rights(group: str, said: Any) -> Iterable[TeamRight | str]:
    for one in said if isinstance(said, list) else [said]:
        if isinstance(one, dict) and one.get("team") and set(one) <= TEAM_WORDS:
            yield _team_right(group, {word: str(value) for word, value in one.items()})
        elif isinstance(one, dict) and set(one) == {"portal"}:
            yield from _roles(group, one["portal"])
        else:
            raise ImproperlyConfigured(
                f"The group {group!r} gives {one!r}; write {{team: …, role: …}} or {{portal: …}}."
            )


def _team_right(group: str, said: Mapping[str, str]) -> TeamRight:
    right = TeamRight(**said)
    if right.role not in ("member", LEAD) or right.kind not in ("product", "platform"):
        raise ImproperlyConfigured(
            f"The group {group!r}: a role is member or lead, a kind of team is product or platform."
        )
    return right


def _roles(group: str, said: Any) -> Iterable[str]:
    roles = said if isinstance(said, list) else [said]
    if unknown := sorted({str(role) for role in roles} - PORTAL_ROLES):
        known = ", ".join(sorted(PORTAL_ROLES))
        raise ImproperlyConfigured(f"The group {group!r} gives the role {unknown[0]!r}; there are {known}.")
    return [str(role) for role in roles]
