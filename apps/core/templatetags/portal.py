"""Template words used on many pages; a builtin of every template, so nothing has to be loaded."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import lucide
from django import template
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.core.paginator import Page
from django.http import QueryDict
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.core import charts, figures
from apps.core.looks import Look, look_of
from apps.core.markdown import render
from apps.core.navigation import PLACES, Place
from apps.core.permissions import allowed

register = template.Library()
register.filter("number", figures.number)
register.filter("duration", figures.duration)
register.filter("look", look_of)
register.filter("shares", charts.shares)
register.filter("markdown", render)
register.simple_tag(figures.delta, name="delta")

THEME_COOKIE = "theme"
THEMES = ("auto", "light", "dark")
HUES = 6


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


@dataclass(frozen=True)
class Heading:
    """A sortable column's link, and its `aria-sort` ("" while another column sorts)."""

    url: str
    direction: str


@register.simple_tag(takes_context=True)
def sorting(context: Context, key: str) -> Heading:
    """`?sort=key` sorts upward, `?sort=-key` downward; the link turns the direction round."""
    now = context["request"].GET.get("sort", "")
    direction = {key: "ascending", f"-{key}": "descending"}.get(now, "")
    return Heading(query(context, sort=f"-{key}" if now == key else key, page=None), direction)


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[tuple[Place, bool]]:
    """The main pages, each with whether the reader is in it."""
    path = context["request"].path if "request" in context else ""
    return [(place, place.holds(path)) for place in PLACES]


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """The reader's choice: auto, light or dark."""
    chosen = context["request"].COOKIES.get(THEME_COOKIE, "") if "request" in context else ""
    return chosen if chosen in THEMES else "auto"


@register.simple_tag
def shows_demo() -> bool:
    """True where the demo company is loaded; its pages say that it is invented."""
    return bool(getattr(settings, "DEMO", False))


@register.simple_tag
def icon(name: str, size: int = 16, **attributes: str) -> SafeString:
    """A lucide icon that says nothing to screen readers; the word beside it does."""
    return _icon(name, size, tuple(sorted(attributes.items())))


@lru_cache(maxsize=512)
def _icon(name: str, size: int, attributes: tuple[tuple[str, str], ...]) -> SafeString:
    words = dict(attributes)
    words["class"] = f"icon {words.get('class', '')}".strip()
    return mark_safe(lucide._render_icon(name, size, aria_hidden="true", **words))  # noqa: S308  our own icons


@register.simple_tag
def status_look(status: str, tone: str = "", icon: str = "", label: str = "") -> Look:
    """The look of a status, with any part of it said otherwise."""
    usual = look_of(status)
    return Look(tone or usual.tone, icon or usual.icon, label or usual.label)


@register.simple_tag
def when(moment: datetime | None, never: str = figures.NOTHING) -> str:
    """`<time>`: how long ago, and exactly when in its title."""
    if moment is None:
        return never
    exact = moment.strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, naturaltime(moment))


@register.filter
def initials(name: object) -> str:
    """Two letters for an avatar."""
    words = str(name).replace(".", " ").replace("-", " ").replace("_", " ").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


@register.filter
def hue(name: object) -> int:
    """The same colour for the same name, everywhere."""
    return sum(map(ord, str(name))) % HUES


@register.filter
def short(digest: object) -> str:
    """The first twelve letters of a digest."""
    return str(digest)[:12]


@register.filter
def page_numbers(page: Page[Any]) -> list[int | str]:
    """The pages to link, with an ellipsis for those left out."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))
