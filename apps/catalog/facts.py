"""What was known about a decision's tools when it was taken, to be compared with what is known now. Pure."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.catalog.models import Decision, Tool

LABELS = {
    "ring": "Our ring",
    "foundation_stage": "Foundation stage",
    "offerings": "Managed offerings",
    "latest_version": "Newest version",
    "released_on": "Released",
    "licence": "Licence",
    "commits_12m": "Commits in 12 months",
    "contributors_12m": "People in 12 months",
    "releases_12m": "Releases in 12 months",
    "contributor_absence_factor": "Absence factor",
}
NOT_RECORDED = "not recorded"


def frozen_facts(decision: Decision, day: date) -> dict[str, Any]:
    """`{"on": day, "tools": {slug: facts}}` of every tool that its options name, and the one it is about."""
    options = decision.options.select_related("tool__position")
    tools = [option.tool for option in options if option.tool] + [decision.tool] * bool(decision.tool)
    return {"on": str(day), "tools": {tool.slug: facts_of(tool) for tool in tools if tool}}


def facts_of(tool: Tool) -> dict[str, Any]:
    """Facts by name; what nobody has recorded is missing."""
    position = getattr(tool, "position", None)
    found = {
        "ring": position.ring if position else None,
        "foundation_stage": tool.foundation_stage,
        "offerings": ", ".join(tool.live_offerings),
        "latest_version": tool.latest_version,
        "released_on": str(tool.released_on or ""),
        "licence": tool.licence,
        **{name: tool.traction.get(name) for name in LABELS if name in tool.traction},
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def then_and_now(then: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(what, then, now) for every fact that is known at either time."""
    known = [name for name in LABELS if name in then or name in now]
    return [(LABELS[name], _word(then.get(name)), _word(now.get(name))) for name in known]


def _word(value: object) -> str:
    return NOT_RECORDED if value is None else str(value)
