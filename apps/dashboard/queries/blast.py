"""What is hit if a vendor or an ecosystem goes: its tools, who uses them, and which model families hang on those."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import Q, prefetch_related_objects

from apps.accounts.queries import teams
from apps.catalog import queries as catalog
from apps.core.permissions import allowed
from apps.registry import queries as registry
from apps.retraining import queries as retraining

if TYPE_CHECKING:
    from apps.accounts.models import Team, User
    from apps.catalog.models import Tool, Usage
    from apps.catalog.queries import Blast
    from apps.registry.models import ModelFamily

TIER_ONE = 1


@dataclass(frozen=True)
class Hit:
    """A family that is hit, and how it hangs on the tools, in words."""

    family: ModelFamily
    ways: list[str]


@dataclass(frozen=True)
class Radius:
    """The uses of a vendor's or ecosystem's tools, and the families that are hit, those of tier 1 first. `tools` are
    there where one is asked for by its name.
    """

    blast: Blast
    hits: list[Hit]
    tools: Sequence[Tool] = ()

    @property
    def first_tier(self) -> list[Hit]:
        return [hit for hit in self.hits if hit.family.tier == TIER_ONE]

    @property
    def others(self) -> int:
        return len(self.hits) - len(self.first_tier)


def radius(*, actor: User, name: str) -> Radius:
    """By the exact name of the vendor or ecosystem."""
    found = Ways(actor).radius(catalog.blast(actor=actor, name=name))
    return replace(found, tools=list(catalog.tools_that_belong_to(actor=actor, name=name)))


def radii(*, actor: User) -> list[Radius]:
    """Every vendor and ecosystem of the tools that we have a position on or use, the most tier-1 families first."""
    ways = Ways(actor)
    found = [ways.radius(blast) for blast in catalog.blasts(actor=actor)]
    return sorted(found, key=lambda one: (-len(one.first_tier), -len(one.blast.usages), one.blast.name.lower()))


def tools_of(*, actor: User, family: ModelFamily) -> list[Usage]:
    """What a family and its pipelines use, by tool."""
    pipelines = list(retraining.pipelines_of(actor, family).order_by().values_list("slug", flat=True))
    own = Q(kind="family", name=family.slug) | Q(kind="pipeline", name__in=pipelines)
    return list(catalog.usages(actor=actor).filter(own).order_by("tool__name", "kind", "name", "how"))


def families_of(*, actor: User, tool: Tool) -> list[Hit]:
    """The families that hang on a tool, those of tier 1 first: they use it, or a pipeline of theirs or their team."""
    return Ways(actor).hits(catalog.usages(actor=actor).filter(tool=tool))


class Ways:
    """How a use leads to families: it is the family's own, one of its pipelines', or its team's."""

    def __init__(self, actor: User) -> None:
        self.families = {family.slug: family for family in registry.families(actor)}
        self.of_pipeline = retraining.families_by_pipeline(actor)
        self.of_team: dict[str, list[str]] = defaultdict(list)
        for family in self.families.values():
            self.of_team[family.team.slug].append(family.slug)

    def radius(self, blast: Blast) -> Radius:
        return Radius(blast, self.hits(blast.usages))

    def hits(self, usages: Iterable[Usage]) -> list[Hit]:
        ways: dict[str, list[str]] = defaultdict(list)
        for usage in usages:
            for slug, words in self._hit_by(usage):
                if slug in self.families and words not in ways[slug]:
                    ways[slug].append(words)
        hits = [Hit(self.families[slug], words) for slug, words in ways.items() if words]
        return sorted(hits, key=lambda hit: (hit.family.tier, hit.family.name))

    def _hit_by(self, usage: Usage) -> Iterable[tuple[str, str]]:
        tool = usage.tool.name
        if usage.kind == usage.Kind.FAMILY:
            yield usage.name, f"uses {tool}"
        elif usage.kind == usage.Kind.PIPELINE:
            yield from ((slug, f"{usage.name} uses {tool}") for slug in self.of_pipeline.get(usage.name, ()))
        elif usage.kind == usage.Kind.TEAM:
            yield from ((slug, f"its team uses {tool}") for slug in self.of_team.get(usage.name, ()))


@dataclass(frozen=True)
class WhoUses:
    """Somebody whose use of a tool can be declared."""

    kind: str
    name: str
    label: str
    team: Team
    restricted: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.name}"


def users_to_declare(*, actor: User) -> dict[str, list[WhoUses]]:
    """Families, pipelines and teams that this person may speak for, by the plural of what they are."""
    families = [_who("family", one, one.team, one) for one in registry.families(actor)]
    pipelines = [_who("pipeline", one, one.team, one) for one in retraining.pipelines(actor).order_by("name")]
    found = {"Model families": families, "Pipelines": pipelines, "Teams": [_who("team", one, one) for one in teams()]}
    prefetch_related_objects([actor], "memberships", "portal_roles")
    return {
        title: [one for one in several if allowed(actor, "catalog.declare_usage", one.team)]
        for title, several in found.items()
    }


def _who(kind: str, thing: Any, team: Team, visible: Any = None) -> WhoUses:
    restricted = visible is not None and visible.visibility == "teams"
    return WhoUses(kind, thing.slug, thing.name, team, restricted)
