"""The list of tools, drawn: a line for each.

By f-strings rather than by a template, as the fleet's lines are: three components in each of sixty lines took longer
than the rest of the page. So whatever somebody wrote goes through `text`; slugs, numbers and our own words do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape as text
from itertools import groupby
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.core.drawn import badge, joined, person
from apps.core.looks import look_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.catalog.models import Position, Tool

NOTHING = '<span class="muted nothing">–</span>'
NOBODY = '<span class="muted nothing">Nobody yet</span>'
NO_POSITION = (
    f'<td data-label="Ring">{badge("idle", look_of("none").icon, "No position")}</td>\n<td></td>\n<td></td>\n<td></td>'
)


@dataclass(frozen=True)
class Need:
    """A capability and its tools as HTML."""

    name: str
    need: str
    lines: SafeString


def tool_table(tools: Iterable[Tool]) -> list[Need]:
    """Of tools from `queries.listed` as they come; those of a capability come one after the other."""
    address = reverse("catalog:tools")
    grouped = groupby(tools, key=lambda tool: tool.capability)
    return [Need(need.name, need.need, joined(_line(address, tool) for tool in some)) for need, some in grouped]


def _line(address: str, tool: Tool) -> str:
    position, users = getattr(tool, "position", None), tool.users  # type: ignore[attr-defined]
    known = f'<span class="muted small">{text(tool.summary or tool.ecosystem)}</span>'
    return (
        f'<tr><th scope="row"><a href="{address}{tool.slug}/">{text(tool.name)}</a> {known}</th>\n'
        f"{_opinion(position, users) if position else NO_POSITION}</tr>\n"
    )


def _opinion(position: Position, users: int) -> str:
    look = look_of(position.ring)
    return (
        f'<td data-label="Ring">{badge(look.tone, look.icon, look.label)}</td>\n'
        f'<td data-label="Used in" class="nowrap">{_places(users)}</td>\n'
        f'<td data-label="Owner">{person(position.owner) if position.owner else NOBODY}</td>\n'
        f'<td data-label="Next review">{next_review(position)}</td>'
    )


def _places(users: int) -> str:
    return f"{users} place{'' if users == 1 else 's'}" if users else NOTHING


def next_review(position: Position) -> SafeString:
    """When we look at it again."""
    if position.next_review is None:
        return mark_safe(NOTHING)  # noqa: S308
    day = f"{position.next_review:%-d %b %Y}"
    if position.is_review_due:
        return mark_safe(badge("warn", "clock-alert", f"Due since {day}"))  # noqa: S308
    return mark_safe(f'<span class="nowrap">{day}</span>')  # noqa: S308
