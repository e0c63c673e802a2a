"""`{% load dashboard %}`: what pages of other apps show of several, and what is drawn without a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import template

from apps.dashboard import queries
from apps.dashboard.version_table import loaded, trained_on, version_cells

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.catalog.models import Tool
    from apps.dashboard.queries import Hit

register = template.Library()
register.filter("trained_on", trained_on)
register.filter("version_cells", version_cells)
register.simple_tag(loaded)


@register.simple_tag(takes_context=True)
def families_of_tool(context: dict[str, Any], tool: Tool) -> list[Hit]:
    """The families that the reader may see and that hang on the tool, those of tier 1 first."""
    return queries.families_of(actor=cast("User", context["request"].user), tool=tool)
