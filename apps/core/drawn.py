"""Components of templates/cotton drawn without a template, for tables whose lines have several of them.

A component costs what ten of these do. Each escapes what it is given.
"""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString, mark_safe

from apps.core.templatetags.portal import hue, icon, initials


def joined(lines: Iterable[str]) -> SafeString:
    """Lines that have escaped what somebody wrote, as one piece of a page."""
    return mark_safe("".join(lines))  # noqa: S308


def badge(tone: str, mark: str, words: str) -> str:
    """`mark` is a lucide name; none of them turns."""
    return f'<span class="badge {tone}">{icon(mark, 13)}{escape(words)}</span>'


def person(name: object) -> str:
    face = f'<span class="avatar hue-{hue(name)}" aria-hidden="true">{escape(initials(name))}</span>'
    return f'<span class="person">{face}<span class="truncate">{escape(str(name))}</span></span>'
