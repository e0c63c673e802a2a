"""Measures of the zoo, each with the sentence that says how it is counted; and what has become weaker."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from apps.accounts.queries import teams
from apps.catalog.costs import Range
from apps.catalog.models import Capability, Position, Ring, Tool, Usage
from apps.catalog.queries.decisions import active_exceptions, waiting
from apps.catalog.queries.needs import not_to_be_used, usages

if TYPE_CHECKING:
    from apps.accounts.models import Team, User

FRESH = timedelta(days=183)
QUIET = timedelta(days=365)
IN_USE = (Ring.ADOPT, Ring.TRIAL, Ring.HOLD)


@dataclass(frozen=True)
class Measure:
    """`value` in words, and `formula` in a sentence that anybody can check."""

    name: str
    value: str
    formula: str


@dataclass(frozen=True)
class TeamBill:
    """What somebody who joins the team has to learn: `tools` in order, `days` for one person where all are known."""

    team: Team
    tools: list[Tool]
    days: Range | None
    unknown: int


@dataclass(frozen=True)
class Overlap:
    capability: Capability
    tools: list[Tool]
    adopted: int


@dataclass(frozen=True)
class Zoo:
    measures: list[Measure]
    overlaps: list[Overlap]
    bills: list[TeamBill]
    astray: list[Usage]


def zoo(*, actor: User) -> Zoo:
    """Everything that is measured, from a constant number of queries."""
    used = _used_tools(actor)
    overlaps, bills = _overlaps(used), _bills(actor)
    astray = list(not_to_be_used(actor=actor)[:100])
    measures = [_size(used), _overlap(overlaps), *_ecosystems(used), _learning(bills), *_radar(actor), *_waited(actor)]
    return Zoo([*measures, *_exceptions(actor), _astray(astray)], overlaps, bills, astray)


def _used_tools(actor: User) -> list[Tool]:
    live = Usage.objects.visible_to(actor).live().values("tool")
    found = Tool.objects.visible_to(actor).filter(pk__in=live).select_related("capability", "position")
    return list(found.in_order())


def _size(used: list[Tool]) -> Measure:
    rings = [tool for tool in used if (position := getattr(tool, "position", None)) and position.ring in IN_USE]
    return Measure("Tools in use", str(len(rings)), "Tools in adopt, trial or hold with at least one live use.")


def _overlaps(used: list[Tool]) -> list[Overlap]:
    """Needs that more than one tool serves."""
    by_need: dict[Capability, list[Tool]] = defaultdict(list)
    for tool in used:
        by_need[tool.capability].append(tool)
    several = {need: tools for need, tools in by_need.items() if len(tools) > 1}
    return [Overlap(need, tools, sum(_ring(tool) == Ring.ADOPT for tool in tools)) for need, tools in several.items()]


def _ring(tool: Tool) -> str:
    position = getattr(tool, "position", None)
    return position.ring if position else ""


def _overlap(overlaps: list[Overlap]) -> Measure:
    extra = sum(len(overlap.tools) - 1 for overlap in overlaps)
    return Measure("Overlap", str(extra), "For each need: tools in use minus one; summed over all needs.")


def _ecosystems(used: list[Tool]) -> list[Measure]:
    counts: dict[str, int] = defaultdict(int)
    for tool in used:
        counts[tool.ecosystem or "unknown"] += 1
    whole = sum(counts.values())
    share = sum((count / whole) ** 2 for count in counts.values()) if whole else 0
    return [
        Measure("Ecosystems in use", str(len(counts)), "Different ecosystems of the tools in use."),
        Measure(
            "Concentration", f"{share:.2f}", "Sum of the squared shares of the ecosystems; 1 is a single ecosystem."
        ),
    ]


def _bills(actor: User) -> list[TeamBill]:
    by_team: dict[int, dict[int, Tool]] = defaultdict(dict)
    for usage in usages(actor=actor).exclude(team=None):
        by_team[usage.team_id or 0][usage.tool_id] = usage.tool
    return [_bill(team, [*by_team[team.pk].values()]) for team in teams() if team.pk in by_team]


def _bill(team: Team, tools: list[Tool]) -> TeamBill:
    known = [tool for tool in tools if tool.learning_days_low is not None and tool.learning_days_high is not None]
    low = sum(tool.learning_days_low or 0 for tool in known)
    high = sum(tool.learning_days_high or 0 for tool in known)
    ordered = sorted(tools, key=lambda tool: (tool.capability.name, tool.name))
    return TeamBill(team, ordered, Range(low, high) if known else None, len(tools) - len(known))


def _learning(bills: list[TeamBill]) -> Measure:
    known = [bill.days for bill in bills if bill.days]
    total = sum(known, Range(0, 0))
    formula = "Days to learn each tool of a team, for one person; summed over the teams. Unknown is left out."
    return Measure("Learning bill", f"{total} days" if known else "no number yet", formula)


def _radar(actor: User) -> list[Measure]:
    held = Position.objects.filter(tool__in=Tool.objects.visible_to(actor)).exclude(ring=Ring.RETIRED)
    days = list(held.values_list("reviewed_on", "owner"))
    since = timezone.localdate() - FRESH
    fresh = sum(1 for day, _ in days if day and day >= since)
    share = f"{fresh} of {len(days)}" if days else "–"
    ownerless = sum(1 for _, owner in days if owner is None)
    return [
        Measure("Radar freshness", share, "Positions that were reviewed or moved within six months."),
        Measure("Without an owner", str(ownerless), "Positions that nobody answers for."),
    ]


def _waited(actor: User) -> list[Measure]:
    found = waiting(actor=actor)
    return [
        Measure("Weeks not spent", str(found.weeks), "Estimates of the decisions to wait whose trigger came, summed."),
        Measure("Delivered by others", str(found.met), "Decisions to wait whose trigger came."),
    ]


def _exceptions(actor: User) -> list[Measure]:
    live = list(active_exceptions(actor=actor))
    soon = timezone.localdate() + timedelta(days=30)
    ending = sum(1 for one in live if one.expires_on and one.expires_on <= soon)
    again = sum(1 for one in live if one.renews and one.renews.renews_id)
    return [
        Measure("Exceptions", str(len(live)), f"Accepted and not over; {ending} end within 30 days."),
        Measure("Renewed twice", str(again), "Renewed twice or more: then the standard is wrong, not the team."),
    ]


def _astray(found: list[Usage]) -> Measure:
    return Measure("Off the radar", str(len(found)), "Live uses of tools on hold, retired, or without a position.")


@dataclass(frozen=True)
class Weaker:
    """Something that has changed about a tool of ours."""

    tool: Tool
    what: str
    since: date | None


def weaker(*, actor: User) -> list[Weaker]:
    """Bets that got weaker or changed: no release in a year, one person, another stage, an offering that ended."""
    held = Tool.objects.visible_to(actor).filter(position__isnull=False).exclude(position__ring=Ring.RETIRED)
    found = [sign for tool in held.select_related("position", "capability") for sign in _signs(tool)]
    return sorted(found, key=lambda sign: sign.since or date.min, reverse=True)


def _signs(tool: Tool) -> list[Weaker]:
    today = timezone.localdate()
    signs = []
    if tool.released_on and tool.released_on < today - QUIET:
        signs.append(Weaker(tool, "No release for more than twelve months", tool.released_on))
    if tool.traction.get("contributor_absence_factor") == 1:
        signs.append(Weaker(tool, "One person makes half of its commits", None))
    if "commits_12m" in tool.traction and tool.traction["commits_12m"] < 12:
        commits, people = tool.traction["commits_12m"], tool.traction.get("contributors_12m", "?")
        signs.append(Weaker(tool, f"{commits} commits in twelve months, by {people} people", None))
    if tool.stage_since and tool.stage_since >= today - QUIET:
        stage = f"{tool.foundation} moved it to {tool.get_foundation_stage_display().lower()}"
        signs.append(Weaker(tool, stage, tool.stage_since))
    ended = [offering for offering in tool.offerings if offering.get("ended")]
    signs += [Weaker(tool, f"{offering['name']} has ended", None) for offering in ended]
    if tool.gone_from_source:
        signs.append(Weaker(tool, f"Its source has it no more ({tool.source})", None))
    return signs


def unused(*, actor: User) -> list[Tool]:
    """What we might stop: it has a ring, and nobody is known to use it."""
    live = Usage.objects.visible_to(actor).live().values("tool")
    found = Tool.objects.visible_to(actor).filter(position__ring__in=IN_USE).exclude(pk__in=live)
    return list(found.select_related("position", "capability").in_order())
