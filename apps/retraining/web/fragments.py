"""One address serves a page and its live part."""

from django.http import HttpRequest


def template_for(request: HttpRequest, page: str, fragment: str) -> str:
    """The page's template, or its named part when htmx asks."""
    return f"{page}#{fragment}" if is_fragment(request) else page


def is_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))
