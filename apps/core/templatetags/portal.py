"""Template words used on many pages."""

from typing import Any

from django import template
from django.http import QueryDict
from django.template.context import Context

from apps.core.permissions import allowed

register = template.Library()


@register.simple_tag(takes_context=True)
def may(context: Context, permission: str, target: object = None) -> bool:
    """`{% may "registry.promote" family as can_promote %}`: buttons ask the same sentence as actions."""
    return allowed(context["request"].user, permission, target)


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """The page's own query string with some keys changed; None or "" takes a key away."""
    current: QueryDict = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            current.pop(key, None)
        else:
            current[key] = value
    return f"?{current.urlencode()}" if current else "?"
